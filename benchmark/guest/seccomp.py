"""Seccomp: from when it is enforced, the kernel refuses a process the system calls listed here; it never ends.

A filter is a small program of the kernel's (classic BPF) that looks at the number of a call and its arguments, see
Documentation/userspace-api/seccomp_filter.rst. The numbers are the kernel's own, of x86_64 and of aarch64. A call that is
newer than this list is answered as if the kernel did not know it.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator, Mapping

# By what they reach: name, number on x86_64, number on aarch64.
REFUSED: Mapping[str, str] = {
    "another process, or its memory, time, or rank": """
        execve 59 221, execveat 322 281, fork 57 -, vfork 58 -, ptrace 101 117, process_vm_readv 310 270,
        process_vm_writev 311 271, process_madvise 440 440, process_mrelease 448 448, pidfd_open 434 434,
        pidfd_getfd 438 438, pidfd_send_signal 424 424, kcmp 312 272, tkill 200 130, rt_sigqueueinfo 129 138,
        rt_tgsigqueueinfo 297 240, setpgid 109 154, setsid 112 157, setpriority 141 140, ioprio_set 251 30,
        sched_setattr 314 274, sched_setparam 142 118, sched_setscheduler 144 119, migrate_pages 256 238,
        move_pages 279 239
    """,
    "a network, or a socket beside the channel": """
        socket 41 198, socketpair 53 199, bind 49 200, connect 42 203, listen 50 201, accept 43 202,
        accept4 288 242, sendmsg 46 211, sendmmsg 307 269, recvmsg 47 212, recvmmsg 299 243
    """,
    "memory and messages with a name": """
        shmget 29 194, shmat 30 196, shmctl 31 195, shmdt 67 197, semget 64 190, semop 65 193, semctl 66 191,
        semtimedop 220 192, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187, mq_open 240 180,
        mq_unlink 241 181, mq_timedsend 242 182, mq_timedreceive 243 183, mq_notify 244 184,
        mq_getsetattr 245 185, memfd_create 319 279, memfd_secret 447 447
    """,
    "the properties of files, which Landlock leaves": """
        chmod 90 -, fchmod 91 52, fchmodat 268 53, chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54,
        setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15,
        fremovexattr 199 16, utime 132 -, utimes 235 -, utimensat 280 88, futimesat 261 -, truncate 76 45
    """,
    "what another process could observe: locks, caches, counts, events": """
        flock 73 32, fadvise64 221 223, readahead 187 213, mincore 27 232, sysinfo 99 179, sync 162 81,
        syncfs 306 267, fsync 74 82, fdatasync 75 83, inotify_init 253 -, inotify_init1 294 26,
        inotify_add_watch 254 27, fanotify_init 300 262, fanotify_mark 301 263, lookup_dcookie 212 18,
        perf_event_open 298 241, mbind 237 235, set_mempolicy 238 237, set_mempolicy_home_node 450 450,
        mlockall 151 230
    """,
    "interfaces of the kernel with many faults, or around this filter": """
        io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, io_setup 206 0,
        io_submit 209 2, bpf 321 280, userfaultfd 323 282, seccomp 317 277, keyctl 250 219, add_key 248 217,
        request_key 249 218, remap_file_pages 216 234, modify_ldt 154 -, personality 135 92
    """,
    "the machine": """
        mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, fsopen 430 430, fsconfig 431 431,
        fsmount 432 432, fspick 433 433, move_mount 429 429, open_tree 428 428, mount_setattr 442 442,
        unshare 272 97, setns 308 268, name_to_handle_at 303 -, open_by_handle_at 304 -, quotactl 179 60,
        quotactl_fd 443 443, acct 163 89, swapon 167 224, swapoff 168 225, reboot 169 142, kexec_load 246 104,
        kexec_file_load 320 294, init_module 175 105, finit_module 313 273, delete_module 176 106, ioperm 173 -,
        iopl 172 -, settimeofday 164 170, clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266,
        sethostname 170 161, setdomainname 171 162, syslog 103 116, vhangup 153 58, nfsservctl 180 42,
        uselib 134 -, capset 126 91, setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143,
        setresuid 117 147, setresgid 119 149, setgroups 116 159, setfsuid 122 151, setfsgid 123 152
    """,
}
NEWEST = 450  # the numbers above it are the same on both architectures, and none is needed
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # how the kernel names the architecture that a call comes from
X32 = 0x40000000  # a bit in the numbers of x86_64's other interface
CLONE_THREAD = 0x00010000
WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # flags of open: for writing, created, emptied; Landlock learned the last with 6.2
LOCKS = (5, 6, 7, 8, 10, 15, 36, 37, 38, 1024, 1026)  # commands of fcntl: locks, leases, and who is signalled
COLD, PAGEOUT = 20, 21  # advice of madvise that moves pages others may use
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER_MODE = 38, 22, 2
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL_PROCESS, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where they stand in what the filter sees
Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def architecture() -> str:
    """Return the architecture whose numbers are known here; empty for another, and on systems other than Linux."""
    machine = platform.machine()
    return machine if sys.platform == "linux" and machine in AUDIT else ""


def refuse_calls() -> None:
    """Have the kernel refuse this thread, and what it starts, the calls of REFUSED. Raises: OSError where it cannot."""
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in _filter(architecture(), os.getpid()))
    libc = ctypes.CDLL(None, use_errno=True)
    loaded = _Program(len(program) // 8, program)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER_MODE, ctypes.byref(loaded), 0, 0)):
        if libc.prctl(*arguments):
            code = ctypes.get_errno()
            raise OSError(code, f"seccomp: {errno.errorcode.get(code, code)}")


def _filter(machine: str, pid: int) -> Iterator[Instruction]:
    """Yield the program of a process."""
    column = 1 if machine == "x86_64" else 2
    yield LOAD, 0, 0, ARCHITECTURE
    yield from _unless_equal(AUDIT[machine], KILL_PROCESS)
    yield LOAD, 0, 0, NUMBER
    if machine == "x86_64":
        yield JUMP_AT_LEAST, 0, 1, X32
        yield RETURN, 0, 0, KILL_PROCESS
    yield JUMP_AT_LEAST, 0, 1, NEWEST
    yield RETURN, 0, 0, ERROR | errno.ENOSYS
    for line in ", ".join(REFUSED.values()).split(","):
        listed = line.split()[column]
        if listed != "-":
            yield JUMP_EQUAL, 0, 1, int(listed)
            yield RETURN, 0, 0, ERROR | errno.EPERM
    for number, steps in _by_argument(column - 1, pid).items():
        yield JUMP_EQUAL, 0, len(steps) + 1, number
        yield from steps
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, ALLOW


def _unless_equal(value: int, verdict: int) -> list[Instruction]:
    return [(JUMP_EQUAL, 1, 0, value), (RETURN, 0, 0, verdict)]


def _refused_if_equal(argument: int, *values: int) -> list[Instruction]:
    steps = [(LOAD, 0, 0, FIRST_ARGUMENT + 8 * argument)]
    for value in values:
        steps += [(JUMP_EQUAL, 0, 1, value), (RETURN, 0, 0, ERROR | errno.EPERM)]
    return steps


def _refused_if_any_bit(argument: int, bits: int) -> list[Instruction]:
    refused = (RETURN, 0, 0, ERROR | errno.EPERM)
    return [(LOAD, 0, 0, FIRST_ARGUMENT + 8 * argument), (JUMP_ANY_BIT, 0, 1, bits), refused]


def _allowed_if_equal(argument: int, *values: int) -> list[Instruction]:
    steps = [(LOAD, 0, 0, FIRST_ARGUMENT + 8 * argument)]
    for value in values:
        steps += [(JUMP_EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return [*steps, (RETURN, 0, 0, ERROR | errno.EPERM)]


def _by_argument(which: int, pid: int) -> dict[int, list[Instruction]]:
    """Return by number what is decided by an argument; `which` architecture: 0 for x86_64, 1 for aarch64."""
    own_clock = [(LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_AT_LEAST, 0, 1, 1 << 31), (RETURN, 0, 0, ERROR | errno.EPERM)]
    threads_only = [
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_ANY_BIT, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, ERROR | errno.EPERM),
    ]
    unknown = [(RETURN, 0, 0, ERROR | errno.ENOSYS)]  # arguments that a filter cannot see: libc takes the older call
    clocks = ((228, 113), (229, 114), (230, 115), (222, 107))  # clock_gettime, _getres, _nanosleep, timer_create
    return {
        (56, 220)[which]: threads_only,  # clone
        435: unknown,  # clone3
        437: unknown,  # openat2
        **({2: _refused_if_any_bit(1, WRITING)} if which == 0 else {}),  # open, which aarch64 has not
        (257, 56)[which]: _refused_if_any_bit(2, WRITING),  # openat
        (62, 129)[which]: _allowed_if_equal(0, pid),  # kill
        (234, 131)[which]: _allowed_if_equal(0, pid),  # tgkill
        (302, 261)[which]: _allowed_if_equal(0, 0, pid),  # prlimit64
        (203, 122)[which]: _allowed_if_equal(0, 0, pid),  # sched_setaffinity
        (72, 25)[which]: _refused_if_equal(1, *LOCKS),  # fcntl
        (28, 233)[which]: _refused_if_equal(2, COLD, PAGEOUT),  # madvise
        (285, 47)[which]: _allowed_if_equal(1, 0),  # fallocate: memory that the host reads keeps what it holds
        **{clock[which]: own_clock for clock in clocks},  # negative numbers are clocks of other processes
    }
