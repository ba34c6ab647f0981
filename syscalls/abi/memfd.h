/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create. */
#pragma once
#pragma GCC system_header

#define MFD_CLOEXEC	  0x0001U
#define MFD_ALLOW_SEALING 0x0002U
#define MFD_HUGETLB	  0x0004U
#define MFD_NOEXEC_SEAL	  0x0008U
#define MFD_EXEC	  0x0010U
#define MFD_HUGE_SHIFT	  26
#define MFD_HUGE_MASK	  0x3f
#define ABI_MFD_NAME_MAX  249 /* NAME_MAX less "memfd:" */
