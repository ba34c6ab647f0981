/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of a unit of systemd, systemd.resource-control(5), as oci/scope takes them: NAME
 * SIGNATURE COUNT VALUE... each.
 */
#pragma once

#include <jansson.h>

#include "oci/cgroup/settings.h"
#include "oci/cgroup/words.h"

/*
 * Those of the limits that systemd knows: it writes them again when it is reloaded.  v2: s is
 * settings_v2()'s.  What it does not know is left out.
 */
void properties_of_settings(const struct settings *s, bool v2, struct words *out);

/*
 * Those that annotations ask for, as runc and crun have it: org.systemd.property.NAME, with a value as
 * GVariant writes it ("uint64 5", 'text', true, ['a', 'b']).  A name in ...Sec is ...USec, the
 * number in seconds.  -EINVAL with *e filled.
 */
int properties_of_annotations(const json_t *annotations, struct words *out, struct error *e);
