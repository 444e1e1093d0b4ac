/* Preloaded into a node under test: a clock that is set, a disk that is full,
 * a sync that fails, and a record of what a power cut would undo.
 *
 * TORTURE_CONTROL names a file of 64-bit integers that is read while the node
 * runs: [0] milliseconds added to the wall clock; [1] bytes by which files may
 * still grow, -1 for any number; [2] syncs that still succeed, -1 for all; and
 * written here: [3] processes that have loaded this library.
 * TORTURE_UNDO, where set, names the record; TORTURE_DIR is the folder whose
 * files are meant. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK, SPACE, SYNCS, LOADED, FIELDS };
enum { WRITE = 1, SYNC = 2, FORGET = 3, TRUNCATE = 4 };

static volatile int64_t *control;
static char folder[4096];
static size_t folder_len;
static int undo = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                                     \
  static result (*real_##name)(__VA_ARGS__);                        \
  static void find_##name(void) {                                   \
    if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name);        \
  }
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
REAL(int, ftruncate64, int, off64_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, unlink, const char *)
REAL(int, unlinkat, int, const char *, int)
REAL(int, rename, const char *, const char *)
REAL(int, clock_gettime, clockid_t, struct timespec *)
REAL(int, open64, const char *, int, ...)

__attribute__((constructor)) static void begin(void) {
  find_write(); find_writev(); find_pwrite64(); find_ftruncate64(); find_fsync();
  find_fdatasync(); find_unlink(); find_unlinkat(); find_rename();
  find_clock_gettime(); find_open64();
  const char *path = getenv("TORTURE_CONTROL");
  const char *dir = getenv("TORTURE_DIR");
  if (!path || !dir || !realpath(dir, folder)) return;
  folder_len = strlen(folder);
  int fd = real_open64(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *map = mmap(0, FIELDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return;
  const char *record = getenv("TORTURE_UNDO");
  if (record) undo = real_open64(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  control = map;
  control[LOADED]++;
}

/* True for a regular file in the folder, whose facts are given. */
static int meant(int fd, struct stat64 *facts) {
  if (!control || fd <= 2 || fstat64(fd, facts) || !S_ISREG(facts->st_mode)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length > (ssize_t)folder_len && !memcmp(path, folder, folder_len) &&
         path[folder_len] == '/';
}

static void put(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length) {
    ssize_t done = real_write(undo, at, length);
    if (done <= 0) abort();
    at += done;
    length -= done;
  }
}

/* One entry: kind, inode, offset, old size, and the old bytes at the offset. */
static void note(int64_t kind, int fd, const struct stat64 *facts, int64_t offset, int64_t length) {
  if (undo < 0) return;
  int64_t size = facts->st_size, kept = 0;
  char *old = 0;
  if (length > 0 && offset < size) {
    kept = length < size - offset ? length : size - offset;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = real_open64(path, O_RDONLY | O_CLOEXEC);
    old = malloc(kept);
    if (reader < 0 || !old || pread64(reader, old, kept, offset) != kept) abort();
    close(reader);
  }
  int64_t head[5] = {kind, (int64_t)facts->st_ino, offset, size, kept};
  put(head, sizeof head);
  if (kept) put(old, kept);
  free(old);
}

/* Bytes that a write at an offset takes from the disk: what is behind the end
 * of the file, and what was never written before it. */
static int64_t growth_of(int fd, int64_t size, int64_t offset, int64_t length) {
  int64_t end = offset + length;
  if (offset >= size) return end - size;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int reader = real_open64(path, O_RDONLY | O_CLOEXEC);
  if (reader < 0) abort();
  int64_t data = lseek64(reader, offset, SEEK_DATA);
  close(reader);
  if (data < 0 || data > end) data = end;
  return data - offset + (end > size && data < end ? end - size : 0);
}

/* Takes room for a file that grows; false where there is none. */
static int room(int64_t growth) {
  int64_t left = control[SPACE];
  if (left < 0 || growth <= 0) return 1;
  if (growth > left) return 0;
  control[SPACE] = left - growth;
  return 1;
}

static int64_t place(int fd, const struct stat64 *facts) {
  return fcntl(fd, F_GETFL) & O_APPEND ? facts->st_size : lseek64(fd, 0, SEEK_CUR);
}

/* Whether a write may go on; the lock is held where it may. */
static int before_write(int fd, int64_t offset, int64_t length) {
  struct stat64 facts;
  if (!meant(fd, &facts)) return 0;
  pthread_mutex_lock(&lock);
  if (fstat64(fd, &facts)) abort();
  if (offset < 0) offset = place(fd, &facts);
  if (control[SPACE] >= 0 && !room(growth_of(fd, facts.st_size, offset, length))) {
    pthread_mutex_unlock(&lock);
    errno = ENOSPC;
    return -1;
  }
  note(WRITE, fd, &facts, offset, length);
  return 1;
}

#define GUARDED(result, held, call)           \
  do {                                        \
    if ((held) < 0) return -1;                \
    result = call;                            \
    if (held) {                               \
      int error = errno;                      \
      pthread_mutex_unlock(&lock);            \
      errno = error;                          \
    }                                         \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t length) {
  find_write();
  int held = before_write(fd, -1, length);
  ssize_t done;
  GUARDED(done, held, real_write(fd, bytes, length));
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  find_writev();
  int64_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  int held = before_write(fd, -1, length);
  ssize_t done;
  GUARDED(done, held, real_writev(fd, parts, count));
  return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  find_pwrite64();
  int held = before_write(fd, offset, length);
  ssize_t done;
  GUARDED(done, held, real_pwrite64(fd, bytes, length, offset));
  return done;
}

int ftruncate64(int fd, off64_t length) {
  find_ftruncate64();
  struct stat64 facts;
  int held = meant(fd, &facts), done;
  if (held) {
    pthread_mutex_lock(&lock);
    if (fstat64(fd, &facts)) abort();
    if (!room(length - facts.st_size)) {
      pthread_mutex_unlock(&lock);
      errno = ENOSPC;
      return -1;
    }
    note(TRUNCATE, fd, &facts, length, facts.st_size);
  }
  GUARDED(done, held, real_ftruncate64(fd, length));
  return done;
}

static int synced(int fd, int (*real)(int)) {
  struct stat64 facts;
  if (!meant(fd, &facts)) return real(fd);
  pthread_mutex_lock(&lock);
  int64_t left = control[SYNCS];
  int done = -1;
  if (left == 0) {
    errno = EIO;
  } else {
    if (left > 0) control[SYNCS] = left - 1;
    done = real(fd);
    if (!done) note(SYNC, fd, &facts, 0, 0);
  }
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

int fsync(int fd) {
  find_fsync();
  return synced(fd, real_fsync);
}

int fdatasync(int fd) {
  find_fdatasync();
  return synced(fd, real_fdatasync);
}

/* An inode that is given back may come again for another file. */
static void forget(const char *path) {
  struct stat64 facts;
  if (undo < 0 || lstat64(path, &facts) || !S_ISREG(facts.st_mode) || facts.st_nlink != 1) return;
  pthread_mutex_lock(&lock);
  note(FORGET, -1, &facts, 0, 0);
  pthread_mutex_unlock(&lock);
}

int unlink(const char *path) {
  find_unlink();
  forget(path);
  return real_unlink(path);
}

int unlinkat(int dir, const char *path, int flags) {
  find_unlinkat();
  struct stat64 facts;
  if (undo >= 0 && !fstatat64(dir, path, &facts, AT_SYMLINK_NOFOLLOW) &&
      S_ISREG(facts.st_mode) && facts.st_nlink == 1) {
    pthread_mutex_lock(&lock);
    note(FORGET, -1, &facts, 0, 0);
    pthread_mutex_unlock(&lock);
  }
  return real_unlinkat(dir, path, flags);
}

int rename(const char *from, const char *to) {
  find_rename();
  forget(to);
  return real_rename(from, to);
}

int open64(const char *path, int flags, ...) {
  find_open64();
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  int fd = real_open64(path, flags & O_TRUNC && undo >= 0 ? flags & ~O_TRUNC : flags, mode);
  struct stat64 facts;
  if (fd >= 0 && flags & O_TRUNC && undo >= 0) {
    if (meant(fd, &facts)) {
      if (ftruncate64(fd, 0)) abort();
    } else if (real_ftruncate64(fd, 0) && errno != EINVAL) {
      abort();
    }
  }
  return fd;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  find_clock_gettime();
  int done = real_clock_gettime(clock, time);
  if (!done && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ms = control[CLOCK];
    int64_t nanos = time->tv_nsec + ms % 1000 * 1000000;
    time->tv_sec += ms / 1000;
    if (nanos < 0) {
      nanos += 1000000000;
      time->tv_sec--;
    } else if (nanos >= 1000000000) {
      nanos -= 1000000000;
      time->tv_sec++;
    }
    time->tv_nsec = nanos;
  }
  return done;
}
