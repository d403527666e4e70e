#include "score/drift.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cmath>
#include <limits>
#include <vector>

namespace prefiqs::score {
namespace {

using V = std::vector<float>;

TEST(Drift, KnownAngles) {
  EXPECT_DOUBLE_EQ(Drift(V{3, 0}, V{5, 0}).value(), 0.0);
  EXPECT_DOUBLE_EQ(Drift(V{1, 0}, V{0, 7}).value(), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(Drift(V{1, 2, 2}, V{-2, -4, -4}).value(), 2.0);
  EXPECT_DOUBLE_EQ(Quality(0.0), 1.0);
  EXPECT_DOUBLE_EQ(Quality(2.0), 0.0);
}

TEST(Drift, SmallAnglesDoNotCancel) {
  const double angle = 1e-4;
  const V a{1, 0};
  const V b{static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
  EXPECT_NEAR(Drift(a, b).value(), 2 * std::sin(angle / 2), 1e-11);
}

TEST(Drift, NoDirection) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(Drift(V{0, 0}, V{1, 0}).has_value());
  EXPECT_FALSE(Drift(V{1, 0}, V{0, 0}).has_value());
  EXPECT_FALSE(Drift(V{1, nan}, V{1, 0}).has_value());
  EXPECT_FALSE(Drift(V{1, 0}, V{-inf, 0}).has_value());
}

TEST(Drift, ExtremeMagnitudesAreFine) {
  const float big = std::numeric_limits<float>::max();
  const float small = std::numeric_limits<float>::denorm_min();
  EXPECT_NEAR(Drift(V{big, big}, V{small, small}).value(), 0.0, 1e-12);
}

TEST(Drift, SizesMustAgree) { EXPECT_THROW(Drift(V{1}, V{1, 2}), Error); }

TEST(Sensitivity, IsOfTheDirectionAlone) {
  EXPECT_DOUBLE_EQ(Sensitivity(V{3, 4}, V{6, 8}).value(), 0.0);         // along: longer, not elsewhere
  EXPECT_DOUBLE_EQ(Sensitivity(V{0, 2}, V{3, 0}).value(), 1.5);         // across
  EXPECT_DOUBLE_EQ(Sensitivity(V{0, 2, 0}, V{3, 7, -4}).value(), 2.5);  // both
  EXPECT_DOUBLE_EQ(Sensitivity(V{1, 2, 2}, V{0, 0, 0}).value(), 0.0);
  EXPECT_NEAR(Sensitivity(V{1e30f, 0}, V{1e30f, 1e25f}).value(), 1e-5, 1e-12);
}

TEST(Sensitivity, IsWhatTheDriftTendsTo) {
  const V f{0.3f, -1.2f, 0.7f, 2.0f}, t{1.1f, 0.4f, -0.9f, 0.2f};
  constexpr float kStep = 1.0f / 1024;
  V moved = f;
  for (std::size_t i = 0; i < f.size(); ++i) moved[i] += kStep * t[i];
  EXPECT_NEAR(Drift(f, moved).value() / kStep, Sensitivity(f, t).value(), 1e-3);
}

TEST(Sensitivity, NoDirection) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(Sensitivity(V{0, 0}, V{1, 0}).has_value());
  EXPECT_FALSE(Sensitivity(V{1, nan}, V{1, 0}).has_value());
  EXPECT_FALSE(Sensitivity(V{1, 0}, V{nan, 0}).has_value());
  EXPECT_THROW(Sensitivity(V{1}, V{1, 2}), Error);
}

}  // namespace
}  // namespace prefiqs::score
