//! A library that stands between a program and libc: a wall clock that is wrong, a disk that is full.
//!
//! Not part of any crate: `tests::kit::preload` compiles it with `rustc` and has the programs under test load
//! it (`LD_PRELOAD`), so that they need no hook of their own. Told by its environment:
//! - `FAULT_CLOCK`: `+3600` or `-3600` seconds, or `frozen` at the moment of the first look. Only the wall
//!   clock; what waits goes by the monotonic one.
//! - `FAULT_DISK`: a file; while it exists, writing to any file whose path contains `FAULT_DISK_OF` fails as
//!   on a full disk.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::sync::atomic::{AtomicI64, Ordering};

const REALTIME: c_int = 0;
const REALTIME_COARSE: c_int = 5;
const ENOSPC: c_int = 28;
const F_OK: c_int = 0;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: i64 = 1;
    pub const PWRITE: i64 = 18;
    pub const WRITEV: i64 = 20;
    pub const CLOCK_GETTIME: i64 = 228;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: i64 = 64;
    pub const PWRITE: i64 = 68;
    pub const WRITEV: i64 = 66;
    pub const CLOCK_GETTIME: i64 = 113;
}

#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

#[repr(C)]
pub struct Timeval {
    seconds: i64,
    microseconds: i64,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn getenv(name: *const c_char) -> *const c_char;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn readlink(path: *const c_char, into: *mut c_char, size: usize) -> isize;
    fn __errno_location() -> *mut c_int;
}

fn setting(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the environment is not changed while the program runs.
    let value = unsafe { getenv(name.as_ptr()) };
    // SAFETY: getenv answers null or a string that stays.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}

/// The second at which a frozen clock stands; 0 before the first look.
static FROZEN: AtomicI64 = AtomicI64::new(0);

fn bend(time: &mut Timespec) {
    let Some(clock) = setting(c"FAULT_CLOCK") else { return };
    let clock = clock.to_bytes();
    if clock == b"frozen" {
        let _ = FROZEN.compare_exchange(0, time.seconds, Ordering::SeqCst, Ordering::SeqCst);
        time.seconds = FROZEN.load(Ordering::SeqCst);
        time.nanoseconds = 0;
        return;
    }
    let digits = clock.iter().filter(|byte| byte.is_ascii_digit());
    let offset = digits.fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0'));
    time.seconds += if clock.first() == Some(&b'-') { -offset } else { offset };
}

/// # Safety
/// As clock_gettime(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, into: *mut Timespec) -> c_int {
    // SAFETY: handed on as it came.
    let answer = unsafe { syscall(number::CLOCK_GETTIME, c_long::from(clock), into) };
    if answer == 0 && (clock == REALTIME || clock == REALTIME_COARSE) {
        // SAFETY: the kernel has just written to it.
        bend(unsafe { &mut *into });
    }
    answer as c_int
}

/// # Safety
/// As gettimeofday(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(into: *mut Timeval, _zone: *mut c_void) -> c_int {
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: a place of our own.
    let answer = unsafe { clock_gettime(REALTIME, &raw mut now) };
    if answer == 0 && !into.is_null() {
        // SAFETY: the caller's place.
        unsafe { *into = Timeval { seconds: now.seconds, microseconds: now.nanoseconds / 1000 } };
    }
    answer
}

/// # Safety
/// As time(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(into: *mut i64) -> i64 {
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: a place of our own.
    unsafe { clock_gettime(REALTIME, &raw mut now) };
    if !into.is_null() {
        // SAFETY: the caller's place.
        unsafe { *into = now.seconds };
    }
    now.seconds
}

/// Whether the disk below a file is full now.
fn full(file: c_int) -> bool {
    let (Some(flag), Some(of)) = (setting(c"FAULT_DISK"), setting(c"FAULT_DISK_OF")) else {
        return false;
    };
    // SAFETY: a string.
    if unsafe { access(flag.as_ptr(), F_OK) } != 0 {
        return false;
    }
    let mut link = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0\0";
    let (mut rest, mut digits) = (file.max(0), [0_u8; 10]);
    let mut count = 0;
    loop {
        digits[count] = b'0' + (rest % 10) as u8;
        (rest, count) = (rest / 10, count + 1);
        if rest == 0 {
            break;
        }
    }
    for (place, digit) in digits[..count].iter().rev().enumerate() {
        link[14 + place] = *digit;
    }
    let mut path = [0_u8; 512];
    // SAFETY: a string and a place of our own.
    let length = unsafe { readlink(link.as_ptr().cast(), path.as_mut_ptr().cast(), path.len()) };
    let path = &path[..usize::try_from(length).unwrap_or(0)];
    let of = of.to_bytes();
    path.windows(of.len().max(1)).any(|part| part == of)
}

fn refuse() -> isize {
    // SAFETY: libc's place for this thread.
    unsafe { *__errno_location() = ENOSPC };
    -1
}

/// # Safety
/// As write(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, from: *const c_void, count: usize) -> isize {
    if full(file) {
        return refuse();
    }
    // SAFETY: handed on as it came.
    unsafe { syscall(number::WRITE, c_long::from(file), from, count) as isize }
}

/// # Safety
/// As writev(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(file: c_int, from: *const c_void, count: c_int) -> isize {
    if full(file) {
        return refuse();
    }
    // SAFETY: handed on as it came.
    unsafe { syscall(number::WRITEV, c_long::from(file), from, c_long::from(count)) as isize }
}

/// # Safety
/// As pwrite(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    file: c_int,
    from: *const c_void,
    count: usize,
    at: i64,
) -> isize {
    if full(file) {
        return refuse();
    }
    // SAFETY: handed on as it came.
    unsafe { syscall(number::PWRITE, c_long::from(file), from, count, at) as isize }
}

/// # Safety
/// As pwrite(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    file: c_int,
    from: *const c_void,
    count: usize,
    at: i64,
) -> isize {
    // SAFETY: the same.
    unsafe { pwrite64(file, from, count, at) }
}
