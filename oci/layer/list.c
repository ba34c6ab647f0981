/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/layer/export.h"
#include "oci/layer/sink.h"
#include "platform/base/cleanup.h"

static int put_item(void *arg, const struct layer_item *i)
{
	struct sink *out = arg;
	/* A name that was never there: removed by the guest that had made it. */
	if (i->whiteout && !i->below)
		return 0;
	sink_put(out, i->whiteout ? "D /" : i->below ? "C /" : "A /", 3);
	sink_put(out, i->path, strlen(i->path));
	sink_put(out, "\n", 1);
	return out->err;
}

int layer_list(struct layer_source *s, int out_fd)
{
	autofree struct sink *out = malloc(sizeof *out);
	if (!out)
		return -ENOMEM;
	sink_begin(out, out_fd);
	int err = s->walk(s, /*all=*/false, put_item, out);
	int end = sink_end(out);
	return err < 0 ? err : end;
}
