// Preloaded (LD_PRELOAD) into the program: flock fails with the error number in NO_LOCKS_ERRNO, as it does on some
// network file systems.
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>

extern "C" int flock(int /*fd*/, int /*operation*/) noexcept {
  const char* const number = std::getenv("NO_LOCKS_ERRNO");
  errno = number == nullptr ? ENOLCK : std::atoi(number);
  return -1;
}
