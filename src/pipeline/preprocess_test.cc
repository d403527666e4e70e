#include "pipeline/preprocess.h"

#include <gtest/gtest.h>

namespace prefiqs::pipeline {
namespace {

// 2 wide, 1 high.
Image TwoPixels() { return {2, 1, {10, 20, 30, 40, 50, 60}}; }

TEST(Preprocess, MakesPlanesInTheNetworksOrder) {
  Preprocessing raw{ChannelOrder::kRgb, {0, 0, 0}, {1, 1, 1}};
  EXPECT_EQ(Preprocess(TwoPixels(), raw), (std::vector<float>{10, 40, 20, 50, 30, 60}));
  raw.channels = ChannelOrder::kBgr;
  EXPECT_EQ(Preprocess(TwoPixels(), raw), (std::vector<float>{30, 60, 20, 50, 10, 40}));
}

TEST(Preprocess, CountsMeanAndScaleInTheNetworksOrder) {
  const Preprocessing bgr{ChannelOrder::kBgr, {1, 2, 3}, {10, 100, 1000}};
  EXPECT_EQ(Preprocess(TwoPixels(), bgr),
            (std::vector<float>{29 / 10.0f, 59 / 10.0f, 18 / 100.0f, 48 / 100.0f, 7 / 1000.0f, 37 / 1000.0f}));
}

TEST(GiveTheSame, GoesByWhatTheNetworkSees) {
  const Preprocessing scaled{.crop_template = CropTemplate::kScaled}, bgr{ChannelOrder::kBgr};
  for (const bool aligned : {false, true}) {
    EXPECT_TRUE(GiveTheSame({}, scaled, 112, 112, aligned));
    EXPECT_EQ(GiveTheSame({}, scaled, 128, 128, aligned), aligned);  // only crops of ours have a template
    EXPECT_TRUE(GiveTheSame(scaled, scaled, 128, 128, aligned));
    EXPECT_FALSE(GiveTheSame({}, bgr, 112, 112, aligned));
  }
}

}  // namespace
}  // namespace prefiqs::pipeline
