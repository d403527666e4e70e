// When a result is what was expected.
#ifndef PREFIQS_TESTS_CONFORMANCE_COMPARE_H_
#define PREFIQS_TESTS_CONFORMANCE_COMPARE_H_

#include <string>

#include "graph/tensor.h"

namespace prefiqs::conformance {

struct Tolerance {
  double relative = 0;  // of the expected value
  double absolute = 0;
};

// The tests' expected values are numpy's in float32, whose sums run in another order: of the sizes here (at most some
// hundred summands of about 1) that is a few units of 2^-24. ONNX's own runner asks for 1e-3 and 1e-7.
inline constexpr Tolerance kFloatTolerance{1e-5, 1e-6};
// Where the test rounds to float16 (11 bits) on the way and prefiqs does not.
inline constexpr Tolerance kHalfTolerance{2e-3, 1e-3};

// Empty where type, shape and elements agree: integers and bools exactly, floats within the tolerance; a NaN agrees
// with an expected NaN alone, an infinity with the same one alone. Else what differs first.
std::string Difference(const graph::Tensor& actual, const graph::Tensor& expected, Tolerance tolerance);

}  // namespace prefiqs::conformance

#endif  // PREFIQS_TESTS_CONFORMANCE_COMPARE_H_
