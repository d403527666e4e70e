#include "compare.h"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

namespace prefiqs::conformance {
namespace {

bool Agree(float actual, float expected, Tolerance tolerance) {
  if (std::isnan(expected) || std::isinf(expected)) {
    return std::isnan(expected) ? std::isnan(actual) : actual == expected;
  }
  const double difference = std::fabs(double{actual} - double{expected});
  return difference <= tolerance.absolute + tolerance.relative * std::fabs(double{expected});  // false for NaN
}

template <typename T>
std::string FirstDifference(const graph::Tensor& actual, const graph::Tensor& expected, Tolerance tolerance) {
  const auto a = actual.values<T>();
  const auto e = expected.values<T>();
  for (std::size_t i = 0; i < e.size(); ++i) {
    bool agree;
    if constexpr (std::is_same_v<T, float>) {
      agree = Agree(a[i], e[i], tolerance);
    } else {
      agree = a[i] == e[i];
    }
    if (!agree) return fmt::format("element {} of {} is {}, expected {}", i, e.size(), a[i], e[i]);
  }
  return {};
}

}  // namespace

std::string Difference(const graph::Tensor& actual, const graph::Tensor& expected, Tolerance tolerance) {
  if (actual.type() != expected.type() || actual.shape() != expected.shape()) {
    return fmt::format("is {} {}, expected {} {}", graph::Name(actual.type()), graph::ToString(actual.shape()),
                       graph::Name(expected.type()), graph::ToString(expected.shape()));
  }
  switch (expected.type()) {
    case graph::DataType::kFloat32:
      return FirstDifference<float>(actual, expected, tolerance);
    case graph::DataType::kInt64:
      return FirstDifference<std::int64_t>(actual, expected, tolerance);
    case graph::DataType::kInt32:
      return FirstDifference<std::int32_t>(actual, expected, tolerance);
    case graph::DataType::kBool:
      return FirstDifference<bool>(actual, expected, tolerance);
  }
  return "of a type unknown here";
}

}  // namespace prefiqs::conformance
