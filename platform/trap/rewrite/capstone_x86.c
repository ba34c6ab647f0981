/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of capstone, x86 only.
 *
 * libcapstone.a refers to every architecture by two functions each.  Defined here, the linker
 * leaves theirs out: 5 MB of tables with 77000 addresses in them, which every start of the
 * static-pie binary would relocate (measured: 4 ms, 1.6 MB of dirty pages a process).
 */
#include <capstone/capstone.h>

/* As capstone declares them, but for the type of the handle. */
#define WITHOUT(ARCH)                                                                              \
	cs_err ARCH##_global_init(void *handle);                                                   \
	cs_err ARCH##_option(void *handle, cs_opt_type type, size_t value);                        \
	cs_err ARCH##_global_init(void *handle)                                                    \
	{                                                                                          \
		(void)handle;                                                                      \
		return CS_ERR_ARCH;                                                                \
	}                                                                                          \
	cs_err ARCH##_option(void *handle, cs_opt_type type, size_t value)                         \
	{                                                                                          \
		(void)handle;                                                                      \
		(void)type;                                                                        \
		(void)value;                                                                       \
		return CS_ERR_ARCH;                                                                \
	}

WITHOUT(ARM)
WITHOUT(AArch64)
WITHOUT(M68K)
WITHOUT(Mips)
WITHOUT(PPC)
WITHOUT(Sparc)
WITHOUT(SystemZ)
WITHOUT(XCore)
WITHOUT(TMS320C64x)
WITHOUT(M680X)
WITHOUT(EVM)
