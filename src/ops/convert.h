#ifndef PREFIQS_OPS_CONVERT_H_
#define PREFIQS_OPS_CONVERT_H_

#include <cmath>
#include <limits>
#include <type_traits>

namespace prefiqs::ops {

// A number as a T: integers are cut towards zero and end at the lowest and highest one; NaN becomes 0.
template <typename T>
T Saturated(double x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x != 0;
  } else if constexpr (std::is_integral_v<T>) {
    // The highest int64 is no double; the power of two above it is.
    constexpr double kBeyond = -static_cast<double>(std::numeric_limits<T>::min());
    if (std::isnan(x)) return 0;
    if (x >= kBeyond) return std::numeric_limits<T>::max();
    if (x < -kBeyond) return std::numeric_limits<T>::min();
    return static_cast<T>(x);
  } else {
    return static_cast<T>(x);
  }
}

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_CONVERT_H_
