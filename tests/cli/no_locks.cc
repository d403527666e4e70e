// Preloaded (LD_PRELOAD) into the program: flock fails with the error number in NO_LOCKS_ERRNO, as it does on some
// network file systems.
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>

// The build hides what does not ask to be seen.
extern "C" __attribute__((visibility("default"))) int flock(int /*fd*/, int /*operation*/) noexcept {
  const char* const number = std::getenv("NO_LOCKS_ERRNO");
  errno = number == nullptr ? ENOLCK : std::atoi(number);
  return -1;
}
