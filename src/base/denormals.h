// Denormal numbers: floats other than zero whose magnitude is below 2^-126. A processor can take a hundred times as
// long over an operation with one, and nothing that a network says depends on them.
#ifndef PREFIQS_BASE_DENORMALS_H_
#define PREFIQS_BASE_DENORMALS_H_

#include <cstdint>
#include <span>

namespace prefiqs {

// While it lives, the calling thread's arithmetic reads denormal numbers as zero and writes zero in their place. The
// destructor puts the mode back that the constructor found; other threads and the flags of floating-point exceptions
// are not touched. Does nothing on processors other than x86-64 and 64-bit Arm.
//
// A compiler may move arithmetic across the constructor. Keep the arithmetic in functions that are called, not in the
// scope itself.
class DenormalsAreZero {
 public:
  DenormalsAreZero();
  ~DenormalsAreZero();
  DenormalsAreZero(const DenormalsAreZero&) = delete;
  DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;

  // Whether the calling thread is in that mode. False on other processors.
  static bool Active();
  // Whether this processor has the mode.
  static bool Available();

 private:
  std::uint64_t before_;  // the bits of the mode alone
};

// Puts zero in the place of each denormal number. Returns how many there were. -0 stays -0.
std::int64_t ZeroDenormals(std::span<float> values);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_DENORMALS_H_
