/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's terminal: what a sandbox has done to its settings is undone at
 * the end, however that comes about.
 */
#pragma once

#include <stdbool.h>

/* Remembers the settings of the terminal behind descriptors 0 to 2, if there is one. */
void terminal_save(void);
/* Puts them back, unless somebody else is in the foreground by now. */
void terminal_restore(void);
/* Another job is in the foreground of it. */
bool terminal_away(void);
