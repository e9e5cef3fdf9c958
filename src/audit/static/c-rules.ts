/** Words of C that an honest kernel rarely needs, and why one looks closer where they turn up. */
export const C_FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ...words('asm __asm __asm__', 'instructions of its own'),
  ...words(
    'syscall __syscall fork vfork clone clone3 execl execlp execle execv execve execvp execvpe fexecve',
    'other processes',
  ),
  ...words('posix_spawn posix_spawnp system popen kill daemon setsid wait waitpid prctl ptrace', 'other processes'),
  ...words('process_vm_readv process_vm_writev personality unshare setns seccomp', 'other processes'),
  ...words(
    'pthread_create pthread_atfork pthread_key_create thrd_create thread jthread async omp',
    'threads that can work beside the clock',
  ),
  ...words(
    'dlopen dlsym dlvsym dlmopen dladdr dl_iterate_phdr getauxval _DYNAMIC _r_debug link_map',
    "other code's objects",
  ),
  ...words(
    'mmap mmap64 mprotect mremap munmap memfd_create shm_open shmat sbrk brk madvise',
    'memory that it asks the kernel for',
  ),
  ...words(
    'signal sigaction setitimer timer_create alarm raise abort sigaltstack setjmp longjmp _setjmp siglongjmp',
    'signals and jumps',
  ),
  ...words(
    'atexit on_exit at_quick_exit quick_exit _exit _Exit exit __cxa_atexit __cxa_finalize',
    'work at or after the end',
  ),
  ...words('socket connect bind listen accept send recv sendto getaddrinfo', 'the network'),
  ...words('open open64 openat creat fopen fopen64 freopen fdopen opendir readlink unlink rename remove', 'files'),
  ...words(
    'dup dup2 dup3 pipe pipe2 fcntl ioctl write pwrite read pread sendfile splice',
    'descriptors that it did not open',
  ),
  ...words('getenv secure_getenv setenv putenv environ __environ', 'the environment'),
  ...words('clock_settime settimeofday adjtimex ntp_adjtime', "the machine's clock is set"),
  ...words(
    'clock_gettime gettimeofday clock timespec_get __rdtsc __rdtscp _rdtsc __builtin_ia32_rdtsc __builtin_ia32_rdtscp',
    'clocks',
  ),
  ...words(
    '__malloc_hook __free_hook __realloc_hook __libc_start_main __init_array_start _init _fini',
    'replaces parts of others',
  ),
  ...words('sched_setaffinity setpriority nice sched_setscheduler setrlimit prlimit', 'the machine is set'),
  ...words('_mm_setcsr __builtin_ia32_ldmxcsr fesetround fesetenv _MM_SET_FLUSH_ZERO_MODE', 'the rounding of others'),
  ...words(
    'cudaCtxResetPersistingL2Cache cudaDeviceSetLimit cudaStreamCreateWithFlags cudaStreamCreateWithPriority',
    'the device is set',
  ),
  ...words('include_next embed __has_include __has_embed _Pragma incbin', 'files that the build reads'),
]);

/** Attributes, in __attribute__((…)) or [[gnu::…]], by which code runs early or takes another's place. */
export const C_ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ...words('constructor destructor init_priority cleanup', 'code that runs by itself'),
  ...words(
    'ifunc alias weak weakref interpose symver section naked no_instrument_function',
    'takes the place of others',
  ),
]);

/** Functions of the C library that a candidate could stand in for. */
export const C_LIBRARY: ReadonlySet<string> = new Set(
  `clock_gettime gettimeofday time clock timespec_get clock_nanosleep nanosleep usleep sleep malloc calloc realloc free
  posix_memalign aligned_alloc memcpy memmove memset memcmp strcmp strlen strcpy printf fprintf puts fputs fwrite fread write
  read open close exit abort main rand srand random srandom getenv pthread_create dlsym syscall mmap munmap exp expf log logf
  sqrt sqrtf tanh tanhf fabs fabsf pow powf sin sinf cos cosf fmax fmaxf isnan isinf`.split(/\s+/),
);

export const C_SNIFFING: ReadonlyMap<string, string> = new Map([
  ...words(
    '__builtin_return_address __builtin_frame_address __builtin_extract_return_addr backtrace backtrace_symbols',
    'who called it',
  ),
  ...words('_Unwind_Backtrace unw_step dladdr', 'who called it'),
  ...words(
    'program_invocation_name program_invocation_short_name __progname argv getpid getppid gettid',
    'which program it runs in',
  ),
  ...words('sched_getcpu getcpu uname gethostname', 'where it runs'),
]);

export const C_SEEDERS: ReadonlySet<string> = new Set([
  'srand',
  'srandom',
  'srand48',
  'seed48',
  'initstate',
  'mt19937',
  'mt19937_64',
  'seed',
]);

/** Headers that a numeric kernel includes. Others are worth a word. */
export const C_HEADERS =
  /^(?:math|string|strings|stdint|stddef|stdlib|stdbool|float|limits|assert|complex|tgmath|stdalign|inttypes|iso646|fenv|\w+intrin|arm_neon|arm_sve|x86gprintrin|cmath|cstring|cstdint|cstddef|cstdlib|cfloat|climits|algorithm|array|vector|limits|numeric|utility|type_traits|cuda_runtime|cuda_fp16|cuda_bf16|mma|cooperative_groups|cuda\/\w+)(?:\.h)?$/;

function words(list: string, why: string): [string, string][] {
  return list.split(' ').map((word) => [word, why]);
}
