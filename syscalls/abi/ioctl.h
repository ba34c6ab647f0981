/* SPDX-License-Identifier: Apache-2.0 */
/* ioctl numbers that every file, tty or socket may be asked, and the terminal's structs. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define TCGETS		  0x5401
#define TCSETS		  0x5402
#define TCSETSW		  0x5403
#define TCSETSF		  0x5404
#define TCGETA		  0x5405
#define TCSETA		  0x5406
#define TCSETAW		  0x5407
#define TCSETAF		  0x5408
#define TCSBRK		  0x5409
#define TCXONC		  0x540A
#define TCFLSH		  0x540B
#define TIOCEXCL	  0x540C
#define TIOCNXCL	  0x540D
#define TIOCSCTTY	  0x540E
#define TIOCGPGRP	  0x540F
#define TIOCSPGRP	  0x5410
#define TIOCOUTQ	  0x5411
#define TIOCSTI		  0x5412
#define TIOCGWINSZ	  0x5413
#define TIOCSWINSZ	  0x5414
#define TIOCMGET	  0x5415
#define FIONREAD	  0x541B
#define TIOCINQ		  FIONREAD
#define TIOCCONS	  0x541D
#define TIOCPKT		  0x5420
#define FIONBIO		  0x5421
#define TIOCNOTTY	  0x5422
#define TIOCSETD	  0x5423
#define TIOCGETD	  0x5424
#define TCSBRKP		  0x5425
#define TIOCGSID	  0x5429
#define TCGETS2		  0x802C542A
#define TCSETS2		  0x402C542B
#define TCSETSW2	  0x402C542C
#define TCSETSF2	  0x402C542D
#define TIOCGPTN	  0x80045430
#define TIOCSPTLCK	  0x40045431
#define TIOCGDEV	  0x80045432
#define TIOCGPKT	  0x80045438
#define TIOCGPTLCK	  0x80045439
#define TIOCGEXCL	  0x80045440
#define TIOCGPTPEER	  0x5441
#define FIONCLEX	  0x5450
#define FIOCLEX		  0x5451
#define FIOASYNC	  0x5452
#define FIOQSIZE	  0x5460
#define FIGETBSZ	  2
#define FIBMAP		  1

#define FS_IOC_GETFLAGS	  0x80086601
#define FS_IOC_SETFLAGS	  0x40086602
#define FS_IOC_GETVERSION 0x80087601
#define FS_IOC_FSGETXATTR 0x801C581F
#define FS_IOC_FIEMAP	  0xC020660B
#define FICLONE		  0x40049409
#define FICLONERANGE	  0x4020940D
#define BLKGETSIZE64	  0x80081272
#define BLKSSZGET	  0x1268

#define SIOCATMARK	  0x8905
#define SIOCGPGRP	  0x8904
#define SIOCSPGRP	  0x8902
#define FIOGETOWN	  0x8903
#define FIOSETOWN	  0x8901
#define SIOCGIFNAME	  0x8910
#define SIOCGIFCONF	  0x8912
#define SIOCGIFFLAGS	  0x8913
#define SIOCGIFINDEX	  0x8933

struct abi_winsize {
	uint16_t ws_row;
	uint16_t ws_col;
	uint16_t ws_xpixel;
	uint16_t ws_ypixel;
};
_Static_assert(sizeof(struct abi_winsize) == 8, "struct winsize");

/* The kernel's termios: libc's own is larger. */
#define ABI_NCCS 19
struct abi_termios {
	uint32_t c_iflag;
	uint32_t c_oflag;
	uint32_t c_cflag;
	uint32_t c_lflag;
	uint8_t c_line;
	uint8_t c_cc[ABI_NCCS];
};
_Static_assert(sizeof(struct abi_termios) == 36, "struct termios");

/* What System V had: the low halves, and the first eight characters. */
struct abi_termio {
	uint16_t c_iflag;
	uint16_t c_oflag;
	uint16_t c_cflag;
	uint16_t c_lflag;
	uint8_t c_line;
	uint8_t c_cc[8];
};
_Static_assert(sizeof(struct abi_termio) == 18, "struct termio");

struct abi_termios2 {
	uint32_t c_iflag;
	uint32_t c_oflag;
	uint32_t c_cflag;
	uint32_t c_lflag;
	uint8_t c_line;
	uint8_t c_cc[ABI_NCCS];
	uint32_t c_ispeed;
	uint32_t c_ospeed;
};
_Static_assert(sizeof(struct abi_termios2) == 44, "struct termios2");

#define VINTR		   0
#define VQUIT		   1
#define VERASE		   2
#define VKILL		   3
#define VEOF		   4
#define VTIME		   5
#define VMIN		   6
#define VSWTC		   7
#define VSTART		   8
#define VSTOP		   9
#define VSUSP		   10
#define VEOL		   11
#define VREPRINT	   12
#define VDISCARD	   13
#define VWERASE		   14
#define VLNEXT		   15
#define VEOL2		   16

#define IGNBRK		   0000001
#define BRKINT		   0000002
#define IGNPAR		   0000004
#define PARMRK		   0000010
#define INPCK		   0000020
#define ISTRIP		   0000040
#define INLCR		   0000100
#define IGNCR		   0000200
#define ICRNL		   0000400
#define IUCLC		   0001000
#define IXON		   0002000
#define IXANY		   0004000
#define IXOFF		   0010000
#define IMAXBEL		   0020000
#define IUTF8		   0040000

#define OPOST		   0000001
#define OLCUC		   0000002
#define ONLCR		   0000004
#define OCRNL		   0000010
#define ONOCR		   0000020
#define ONLRET		   0000040
#define OFILL		   0000100
#define OFDEL		   0000200
#define TABDLY		   0014000
#define XTABS		   0014000

#define CBAUD		   0010017
#define B0		   0000000
#define B9600		   0000015
#define B38400		   0000017
#define CSIZE		   0000060
#define CS5		   0000000
#define CS6		   0000020
#define CS7		   0000040
#define CS8		   0000060
#define CSTOPB		   0000100
#define CREAD		   0000200
#define PARENB		   0000400
#define PARODD		   0001000
#define HUPCL		   0002000
#define CLOCAL		   0004000

#define ISIG		   0000001
#define ICANON		   0000002
#define XCASE		   0000004
#define ECHO		   0000010
#define ECHOE		   0000020
#define ECHOK		   0000040
#define ECHONL		   0000100
#define NOFLSH		   0000200
#define TOSTOP		   0000400
#define ECHOCTL		   0001000
#define ECHOPRT		   0002000
#define ECHOKE		   0004000
#define FLUSHO		   0010000
#define PENDIN		   0040000
#define IEXTEN		   0100000
#define EXTPROC		   0200000

#define TCIFLUSH	   0
#define TCOFLUSH	   1
#define TCIOFLUSH	   2
#define TCOOFF		   0
#define TCOON		   1
#define TCIOFF		   2
#define TCION		   3

#define TIOCPKT_DATA	   0
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP	   4
#define TIOCPKT_START	   8
#define TIOCPKT_NOSTOP	   16
#define TIOCPKT_DOSTOP	   32
#define TIOCPKT_IOCTL	   64

/* ioctl_nsfs(2) */
#define NS_GET_USERNS	 0xb701
#define NS_GET_PARENT	 0xb702
#define NS_GET_NSTYPE	 0xb703
#define NS_GET_OWNER_UID 0xb704
