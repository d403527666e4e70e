// Locks that fail as those of some network file systems do.
#ifndef PREFIQS_REPORT_LOCKS_FOR_TEST_H_
#define PREFIQS_REPORT_LOCKS_FOR_TEST_H_

namespace prefiqs::report {

// While it lives, the first `times` calls of flock in this program fail with that error number.
class LocksFailForTest {
 public:
  explicit LocksFailForTest(int error, int times = 1 << 30);
  ~LocksFailForTest();
  LocksFailForTest(const LocksFailForTest&) = delete;
  LocksFailForTest& operator=(const LocksFailForTest&) = delete;
};

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_LOCKS_FOR_TEST_H_
