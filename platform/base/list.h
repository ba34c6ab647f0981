/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked lists whose links live inside the elements.
 *
 * An empty list points at itself; an element that is in no list points at
 * itself too (list_init), so that list_del is safe to repeat.
 */
#pragma once

#include "types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *e, struct list *prev, struct list *next)
{
	e->prev = prev;
	e->next = next;
	prev->next = e;
	next->prev = e;
}

/* Adds at the head. */
static inline void list_push(struct list *head, struct list *e)
{
	list_insert(e, head, head->next);
}

/* Adds at the tail. */
static inline void list_append(struct list *head, struct list *e)
{
	list_insert(e, head->prev, head);
}

static inline void list_del(struct list *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	list_init(e);
}

/* Moves all of `from` to the tail of `to`; `from` is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

#define list_for_each(pos, head, member)                                                           \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);     \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* The element at hand may be deleted; `next_` may not. */
#define list_for_each_safe(pos, next_, head, member)                                               \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),                             \
	    next_ = list_entry(pos->member.next, __typeof__(*pos), member);                        \
	     &pos->member != (head);                                                               \
	     pos = next_, next_ = list_entry(next_->member.next, __typeof__(*pos), member))
