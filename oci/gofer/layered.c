/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing and renaming in a root of two layers.
 *
 * A directory that has a lower part cannot be renamed (-EXDEV, as overlayfs says
 * it): that would have to be copied whole.
 */
#include "oci/gofer/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* One name of a change: where it is, and what is there. */
struct spot {
	struct layers dir, it;
	const char *name;
	bool white;		/* a whiteout is there */
	struct gofer_attr attr; /* of what is seen */
	struct gofer_attr dir_attr;
};

static void spot_close(struct spot *p)
{
	layers_close(&p->dir);
	layers_close(&p->it);
}

static int spot_open(struct worker *w, const char *path, struct spot *p)
{
	*p = (struct spot){.dir = LAYERS_NONE, .it = LAYERS_NONE};
	int err = layers_parent(w, path, &p->dir, &p->name);
	if (err == 0)
		err = pin_attr(w->s, p->dir.up, "", &p->dir_attr);
	if (err == 0)
		err = pin_allowed(w, p->dir.up, &p->dir_attr);
	if (err == 0)
		err = layers_child(w, &p->dir, p->name, &p->it, &p->white);
	if (err == 0 && layers_seen(&p->it) >= 0)
		err = layers_attr(w, &p->it, &p->attr);
	return err;
}

static bool spot_seen(const struct spot *p)
{
	return layers_seen(&p->it) >= 0;
}

static bool spot_is_dir(const struct spot *p)
{
	return spot_seen(p) && S_ISDIR(p->attr.mode);
}

/* Whether the lower layer has the name, whatever hides it; *out_fd may be NULL. */
static bool below_has(struct worker *w, const struct spot *p, int *out_fd)
{
	struct layers low = {-1, p->dir.low}, it;
	bool white;
	if (p->dir.low < 0 || layers_child(w, &low, p->name, &it, &white) < 0 || it.low < 0)
		return false;
	if (out_fd)
		*out_fd = it.low;
	else
		layers_close(&it);
	return true;
}

static int any_name(void *arg, int dir, const char *name, bool low)
{
	(void)arg;
	(void)dir;
	(void)name;
	(void)low;
	return -ENOTEMPTY;
}

/* What is in the upper layer under that name goes, a directory with its whiteouts. */
static int take_away(struct worker *w, const struct spot *p)
{
	work_clear(w);
	int err = rename_host(w->s, p->dir.up, p->name, w->root->work, WORK_NAME, 0);
	work_clear(w);
	return err;
}

/* A whiteout in place of what is in the upper layer, which may be nothing; at once if it can be. */
static int white_out(struct worker *w, const struct spot *p, bool there)
{
	int work = w->root->work;
	if (!there)
		return whiteout_put(w, p->dir.up, p->name);
	work_clear(w);
	int err = whiteout_put(w, work, WORK_NAME);
	if (err < 0)
		return err;
	if (!spot_is_dir(p))
		return rename_host(w->s, work, WORK_NAME, p->dir.up, p->name, 0);
	err = rename_host(w->s, work, WORK_NAME, p->dir.up, p->name, GOFER_RENAME_EXCHANGE);
	if (err == 0 || err != -EINVAL) {
		work_clear(w);
		return err;
	}
	/* Hosts before 3.15: between the two the lower directory is seen again. */
	err = take_away(w, p);
	return err < 0 ? err : whiteout_put(w, p->dir.up, p->name);
}

static int remove_spot(struct worker *w, const struct spot *p, int flags)
{
	if (!spot_seen(p))
		return -ENOENT;
	if (!(flags & AT_REMOVEDIR) && spot_is_dir(p))
		return -EISDIR;
	if ((flags & AT_REMOVEDIR) && !spot_is_dir(p))
		return -ENOTDIR;
	int err = spot_is_dir(p) ? layers_list(w, &p->it, any_name, NULL) : 0;
	if (err < 0)
		return err;
	if (below_has(w, p, NULL))
		return white_out(w, p, p->it.up >= 0);
	return spot_is_dir(p) ? take_away(w, p) : unlinkat(p->dir.up, p->name, 0) < 0 ? -errno : 0;
}

int layered_remove(struct worker *w, int flags)
{
	struct spot p;
	int err = spot_open(w, w->path, &p);
	if (err == 0)
		err = remove_spot(w, &p, flags);
	spot_close(&p);
	return err;
}

static int rename_check(struct worker *w, const struct spot *from, const struct spot *to)
{
	unsigned flags = w->req.flags;
	if (!spot_seen(from) || ((flags & GOFER_RENAME_EXCHANGE) && !spot_seen(to)))
		return -ENOENT;
	if ((flags & GOFER_RENAME_NOREPLACE) && spot_seen(to))
		return -EEXIST;
	if (spot_is_dir(from) && from->it.low >= 0)
		return -EXDEV;
	if (flags & GOFER_RENAME_EXCHANGE)
		return spot_is_dir(to) && to->it.low >= 0 ? -EXDEV : 0;
	if (spot_seen(to) && spot_is_dir(from) != spot_is_dir(to))
		return spot_is_dir(from) ? -ENOTDIR : -EISDIR;
	return spot_is_dir(to) ? layers_list(w, &to->it, any_name, NULL) : 0;
}

/* A directory that comes to where the lower layer has one shows nothing of that. */
static int cover(struct worker *w, const struct spot *dir, const struct spot *to)
{
	struct gofer_attr a;
	int low = -1, err = 0;
	if (!spot_is_dir(dir) || !below_has(w, to, &low))
		return 0;
	if (pin_attr(w->s, low, "", &a) == 0 && S_ISDIR(a.mode))
		err = opaque_make(w, dir->it.up, low);
	close(low);
	return err;
}

/*
 * A directory takes no other's place but an empty one's, so what is there is
 * exchanged with it where the host can; then the old name has what was there.
 */
static int move_dir(struct worker *w, const struct spot *from, const struct spot *to)
{
	int err = rename_host(w->s, from->dir.up, from->name, to->dir.up, to->name,
			      GOFER_RENAME_EXCHANGE);
	if (err == 0)
		return take_away(w, from);
	if (err != -EINVAL)
		return err;
	err = take_away(w, to);
	return err < 0 ? err : rename_host(w->s, from->dir.up, from->name, to->dir.up, to->name, 0);
}

/* Also the whiteout at the old name, in the same step where the host can. */
static int move(struct worker *w, const struct spot *from, const struct spot *to)
{
	enum { WHITEOUT = 4 }; /* RENAME_WHITEOUT, 3.18 */
	bool white = below_has(w, from, NULL), there = to->white || to->it.up >= 0;
	int err;
	if (spot_is_dir(from) && there) {
		err = move_dir(w, from, to);
	} else {
		err = white ? rename_host(w->s, from->dir.up, from->name, to->dir.up, to->name,
					  WHITEOUT)
			    : -EINVAL;
		if (white && err == 0)
			return 0;
		err = rename_host(w->s, from->dir.up, from->name, to->dir.up, to->name, 0);
	}
	return err == 0 && white ? whiteout_put(w, from->dir.up, from->name) : err;
}

static int rename_spots(struct worker *w, const struct spot *from, const struct spot *to)
{
	bool swap = w->req.flags & GOFER_RENAME_EXCHANGE;
	int err = rename_check(w, from, to);
	if (err == 0)
		err = cover(w, from, to);
	if (err == 0 && swap)
		err = cover(w, to, from);
	if (err < 0)
		return err;
	/* Two names of one file: nothing happens, as rename(2) says. */
	if (!swap && from->it.up >= 0 && to->it.up >= 0 && from->attr.ino == to->attr.ino &&
	    from->attr.dev == to->attr.dev)
		return 0;
	return swap ? rename_host(w->s, from->dir.up, from->name, to->dir.up, to->name,
				  GOFER_RENAME_EXCHANGE)
		    : move(w, from, to);
}

/* What is moved must be in the upper layer; a directory with a lower part is refused later. */
static int raise_spot(struct worker *w, struct spot *p)
{
	bool white;
	if (!spot_seen(p) || spot_is_dir(p) || p->it.up >= 0)
		return 0;
	int err = raise_object(w, p->dir.up, p->name, p->it.low);
	layers_close(&p->it);
	if (err == 0)
		err = layers_child(w, &p->dir, p->name, &p->it, &white);
	return err < 0 ? err : layers_attr(w, &p->it, &p->attr);
}

int layered_rename(struct worker *w)
{
	struct spot from, to = {.dir = LAYERS_NONE, .it = LAYERS_NONE};
	int err = spot_open(w, w->path, &from);
	if (err == 0)
		err = spot_open(w, w->name, &to);
	if (err == 0)
		err = raise_spot(w, &from);
	if (err == 0 && (w->req.flags & GOFER_RENAME_EXCHANGE))
		err = raise_spot(w, &to);
	if (err == 0)
		err = rename_spots(w, &from, &to);
	spot_close(&from);
	spot_close(&to);
	return err;
}
