// Preloaded (LD_PRELOAD) into the program: each path that open() is called with is added as a line to the file that
// SEEN_OPENS names. So a test counts how often a picture is read without asking the program.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <string>

namespace {

using Open = int (*)(const char*, int, ...);

void Note(const char* path) {
  const char* const log = std::getenv("SEEN_OPENS");
  if (log == nullptr) return;
  const int fd =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (fd < 0) return;
  const std::string line = std::string(path) + '\n';
  (void)!::write(fd, line.data(), line.size());  // one call: lines of several threads do not mix
  ::close(fd);
}

int Through(const char* name, const char* path, int flags, mode_t mode) {
  Note(path);
  return reinterpret_cast<Open>(::dlsym(RTLD_NEXT, name))(path, flags, mode);
}

mode_t ModeOf(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

}  // namespace

// The build hides what does not ask to be seen.
extern "C" __attribute__((visibility("default"))) int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Through("open", path, flags, mode);
}

extern "C" __attribute__((visibility("default"))) int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Through("open64", path, flags, mode);
}
