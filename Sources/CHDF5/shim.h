#include <hdf5.h>

// Macros that Swift does not see.
static inline hid_t tacit_hdf5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t tacit_hdf5_file_access(void) { return H5P_FILE_ACCESS; }

/// From here on this process, all threads of it, can use the memory and the files that it has and no other: opening files,
/// sockets, other processes fail with EPERM. For good.
/// - Returns: 0 where the system cannot do that (other systems than Linux, and old or locked-down kernels).
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int tacit_hdf5_confine(void) {
#if defined(__x86_64__)
    const unsigned int architecture = AUDIT_ARCH_X86_64;
#else
    const unsigned int architecture = AUDIT_ARCH_AARCH64;
#endif
#define TACIT_ALLOW(name)                                 \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        // Files that are open, memory, signals, waiting, clocks, random bytes, the end.
        TACIT_ALLOW(read), TACIT_ALLOW(write), TACIT_ALLOW(close), TACIT_ALLOW(lseek), TACIT_ALLOW(fstat),
        TACIT_ALLOW(mmap), TACIT_ALLOW(munmap), TACIT_ALLOW(mremap), TACIT_ALLOW(mprotect), TACIT_ALLOW(madvise),
        TACIT_ALLOW(brk), TACIT_ALLOW(futex), TACIT_ALLOW(sched_yield), TACIT_ALLOW(rt_sigaction),
        TACIT_ALLOW(rt_sigprocmask), TACIT_ALLOW(rt_sigreturn), TACIT_ALLOW(sigaltstack), TACIT_ALLOW(epoll_pwait),
        TACIT_ALLOW(ppoll),
#if defined(SYS_epoll_wait)
        TACIT_ALLOW(epoll_wait), TACIT_ALLOW(poll),
#endif
        TACIT_ALLOW(clock_gettime), TACIT_ALLOW(clock_nanosleep), TACIT_ALLOW(nanosleep), TACIT_ALLOW(getrandom),
        TACIT_ALLOW(getpid), TACIT_ALLOW(gettid), TACIT_ALLOW(tgkill), TACIT_ALLOW(exit), TACIT_ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
#undef TACIT_ALLOW
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
#else
static inline int tacit_hdf5_confine(void) { return 0; }
#endif
