/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes that guests rely on. */
#pragma once
#pragma GCC system_header

#define ABI_PAGE_SIZE	   4096UL
#define ABI_PAGE_SHIFT	   12
#define PATH_MAX	   4096 /* with the final NUL */
#define NAME_MAX	   255	/* without */
#define NGROUPS_MAX	   65536
#define ABI_MAX_SYMLINKS   40
#define ABI_PIPE_BUF	   4096
#define ABI_ARG_STRLEN_MAX (32 * 4096) /* one string of argv or envp */
#define ABI_CLK_TCK	   100	       /* ticks a second in times() and /proc */
