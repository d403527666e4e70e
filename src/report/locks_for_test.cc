#include "report/locks_for_test.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace {

int failing_error = 0, failing_times = 0;

}  // namespace

// In place of the C library's, for the whole test program.
extern "C" int flock(int fd, int operation) noexcept {
  if (failing_times > 0) {
    --failing_times;
    errno = failing_error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

namespace prefiqs::report {

LocksFailForTest::LocksFailForTest(int error, int times) {
  failing_error = error;
  failing_times = times;
}

LocksFailForTest::~LocksFailForTest() { failing_times = 0; }

}  // namespace prefiqs::report
