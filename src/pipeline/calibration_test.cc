#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "base/hash.h"

namespace prefiqs {
namespace {

std::vector<float> Ramp(int count) {  // 0, 1/(count-1), ..., 1, out of order
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i) / static_cast<float>(count - 1));
  std::shuffle(values.begin(), values.end(), std::mt19937(1));  // NOLINT: any fixed order
  return values;
}

TEST(Calibration, EvenQualitiesArePercentages) {
  const Calibration calibration = Calibration::of(Ramp(201), {}, {});
  EXPECT_EQ(calibration.faces, 201);
  for (int p = 0; p <= 100; ++p) {
    EXPECT_NEAR(calibration.quality[static_cast<std::size_t>(p)], p / 100.0, 1e-6);
    EXPECT_EQ(calibration.scalar(static_cast<float>(p) / 100), p);
  }
  EXPECT_EQ(calibration.scalar(-1), 0);
  EXPECT_EQ(calibration.scalar(2), 100);
}

// What a scalar promises: about as many of the reference faces lie below as it says.
TEST(Calibration, IsTheShareOfFacesBelow) {
  std::mt19937 generator(7);
  std::vector<float> values;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(std::sqrt(static_cast<float>(generator()) / static_cast<float>(std::mt19937::max())));
  }
  const Calibration calibration = Calibration::of(values, {}, {});
  for (const float value : {0.1f, 0.4f, 0.71f, 0.9f, 0.99f}) {
    const auto below = std::count_if(values.begin(), values.end(), [&](float v) { return v < value; });
    EXPECT_NEAR(calibration.scalar(value), 100.0 * static_cast<double>(below) / 5000, 1.0) << value;
  }
}

TEST(Calibration, NeverFallsAndStandsTies) {
  std::vector<float> values(150, 0.5f);
  values.insert(values.end(), 50, 0.75f);
  const Calibration calibration = Calibration::of(values, {}, {});
  int before = 0;
  for (int i = 0; i <= 1000; ++i) {
    const int scalar = calibration.scalar(static_cast<float>(i) / 1000);
    EXPECT_GE(scalar, before);
    before = scalar;
  }
  EXPECT_EQ(calibration.scalar(0.5f), 0);
  EXPECT_EQ(calibration.scalar(0.76f), 100);
}

TEST(Calibration, RefusesTooFewAndNan) {
  EXPECT_THROW(Calibration::of(Ramp(99), {}, {}), Error);
  std::vector<float> values = Ramp(200);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(Calibration::of(values, {}, {}), Error);
}

TEST(Calibration, IsNamedByItsPercentilesAlone) {
  const Calibration calibration = Calibration::of(Ramp(137), {}, {});
  const std::string hash = calibration.content_hash();
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos) << hash;
  EXPECT_EQ(Calibration::from_json(calibration.to_json()).content_hash(), hash);
  Calibration other = Calibration::of(Ramp(137), {.scope = Scope::kLayer}, Preprocessing::preset("adaface"));
  other.source = "others";
  other.date = "2000-01-01";
  EXPECT_EQ(other.content_hash(), hash);
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {  // any percentile, by the smallest step
    Calibration changed = calibration;
    float& quality = changed.quality[random() % changed.quality.size()];
    quality = std::nextafter(quality, 2.0f);
    EXPECT_NE(changed.content_hash(), hash);
  }
  // Of the text "0,1,2,...,100".
  Calibration whole;
  std::string text;
  for (int p = 0; p <= 100; ++p) {
    whole.quality[static_cast<std::size_t>(p)] = static_cast<float>(p);
    text += (p > 0 ? "," : "") + std::to_string(p);
  }
  ContentHash expected;
  expected.Add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(whole.content_hash(), expected.Hex().substr(0, 16));
}

TEST(Calibration, SurvivesJson) {
  Calibration calibration =
      Calibration::of(Ramp(137), {.scope = Scope::kLayer, .sparsity = 0.2}, Preprocessing::preset("adaface"));
  calibration.source = "faces \"of\" somebody";
  EXPECT_EQ(Calibration::from_json(calibration.to_json()), calibration);
}

TEST(Calibration, IsOfTheScaledTemplateWhereItNamesNone) {
  for (const CropTemplate crop_template : {CropTemplate::kInsightFace, CropTemplate::kScaled}) {
    const Calibration calibration = Calibration::of(Ramp(100), {}, {.crop_template = crop_template});
    EXPECT_EQ(Calibration::from_json(calibration.to_json()), calibration);
  }
  std::string text = Calibration::of(Ramp(100), {}, {}).to_json();
  constexpr std::string_view kTemplate = R"(,"template":"insightface")";
  const std::size_t at = text.find(kTemplate);
  ASSERT_NE(at, std::string::npos) << text;
  text.erase(at, kTemplate.size());
  EXPECT_EQ(Calibration::from_json(text).preprocessing.crop_template, CropTemplate::kScaled);
}

TEST(Calibration, RefusesWhatItDoesNotUnderstand) {
  const std::string good = Calibration::of(Ramp(100), {}, {}).to_json();
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string text = good;
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), with);
  };
  for (const std::string& bad :
       {replaced("\"date\":", "\"when\":"), replaced("\"faces\":100", "\"faces\":\"many\""),
        replaced("\"quality\":[0.0,", "\"quality\":["), replaced("[0.0,", "[0.5,"), replaced("[0.0,", "[\"a\","),
        replaced("[0.0,", "[null,"), std::string("{"), std::string("[]"), std::string()}) {
    try {
      Calibration::from_json(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModel) << bad;
    }
  }
}

}  // namespace
}  // namespace prefiqs
