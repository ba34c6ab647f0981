/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the arguments of a row of table.def: pairs of name and kind.
 *
 *	MAP_PAIRS(F, fd,FD, buf,OUT_RET)	F(0, fd, FD) F(1, buf, OUT_RET)
 *
 * Nought to six pairs.  Anything else leaves a macro that does not exist, whose name says
 * what is wrong, in the message about the row.  Names and kinds are macro-expanded on their
 * way: no lower-case libc macro (errno, linux) may be an argument's name, no constant a kind.
 */
#pragma once

#define MAP_0(f)
#define MAP_1(f, a, k)			       f(0, a, k)
#define MAP_2(f, a, k, b, l)		       f(0, a, k) f(1, b, l)
#define MAP_3(f, a, k, b, l, c, m)	       MAP_2(f, a, k, b, l) f(2, c, m)
#define MAP_4(f, a, k, b, l, c, m, d, n)       MAP_3(f, a, k, b, l, c, m) f(3, d, n)
#define MAP_5(f, a, k, b, l, c, m, d, n, e, o) MAP_4(f, a, k, b, l, c, m, d, n) f(4, e, o)
#define MAP_6(f, a, k, b, l, c, m, d, n, e, o, g, p)                                               \
	MAP_5(f, a, k, b, l, c, m, d, n, e, o) f(5, g, p)

#define MAP_CAT_(a, b)							 a##b
#define MAP_CAT(a, b)							 MAP_CAT_(a, b)
#define MAP_PICK(z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, pick, ...) pick
#define MAP_COUNT(...)                                                                             \
	MAP_PICK(0 __VA_OPT__(, ) __VA_ARGS__, at_most_six_arguments, argument_without_kind, 6,    \
		 argument_without_kind, 5, argument_without_kind, 4, argument_without_kind, 3,     \
		 argument_without_kind, 2, argument_without_kind, 1, argument_without_kind, 0, )
#define MAP_PAIRS(f, ...) MAP_CAT(MAP_, MAP_COUNT(__VA_ARGS__))(f __VA_OPT__(, ) __VA_ARGS__)

/* How many pairs. */
#define MAP_ONE(i, a, k)    +1
#define MAP_PAIR_COUNT(...) (0 MAP_PAIRS(MAP_ONE __VA_OPT__(, ) __VA_ARGS__))
