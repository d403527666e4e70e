// The networks that come with the project do what the command expects of them.
#include <gtest/gtest.h>
#include <prefiqs/prefiqs.h>

#include <cmath>
#include <filesystem>
#include <random>

namespace prefiqs {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

Image Noise(int side, std::uint32_t seed) {
  Image image{side, side, {}};
  std::mt19937 random(seed);
  for (int i = 0; i < side * side * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(random()));
  return image;
}

TEST(DefaultNetwork, BringsEverythingThatScoringNeeds) {
  const Network network = Network::load(default_network());
  EXPECT_EQ(network.preprocessing_source(), PreprocessingSource::kMetadata);
  ASSERT_TRUE(network.stored_recipe());
  const Assessor assessor(network);
  EXPECT_EQ(assessor.recipe(), *network.stored_recipe());
  ASSERT_TRUE(assessor.calibration());
  EXPECT_GE(assessor.calibration()->faces, 1000);
  EXPECT_NE(assessor.calibration()->source, "");
}

TEST(DefaultNetwork, PutsPicturesOfNothingAtTheBottom) {
  const Assessor assessor(Network::load(default_network()), {.guarded = false});
  std::vector<Image> crops{Noise(112, 1), Noise(112, 2)};
  for (const std::uint8_t level : {0, 128, 255}) {
    crops.push_back({112, 112, std::vector<std::uint8_t>(112 * 112 * 3, level)});
  }
  for (const Assessment& a : assessor.assess(crops)) {
    ASSERT_EQ(a.status, Status::kOk) << a.detail;
    EXPECT_LE(a.scalar, 5);
  }
}

TEST(DefaultDetector, SpeaksYuNet) { EXPECT_EQ(Detector::load(default_detector()).family(), "yunet"); }

TEST(DefaultDetector, FindsNoFaceInNothing) {
  const Detector detector = Detector::load(default_detector());
  EXPECT_TRUE(detector.detect(Noise(200, 3)).empty());
  EXPECT_TRUE(detector.detect({320, 240, std::vector<std::uint8_t>(320 * 240 * 3, 128)}).empty());
}

// CFP's last fifty people were kept out of its training. 190 were found when it was made.
TEST(DefaultDetector, FindsProfilesOfPeopleItDoesNotKnow) {
  const std::filesystem::path people = kShared / "data/cfp/Data/Images";
  if (!std::filesystem::exists(people)) GTEST_SKIP() << people << " is not there: no real profiles to test with";
  const Detector detector = Detector::load(default_detector());
  int pictures = 0, found = 0;
  for (int person = 201; person <= 250; ++person) {
    for (const char* name : {"01.jpg", "02.jpg", "03.jpg", "04.jpg"}) {
      const DecodedImage decoded = Image::open((people / std::to_string(person) / "profile" / name).string());
      ASSERT_EQ(decoded.status, Status::kOk) << person << " " << name;
      ++pictures;
      found += detector.detect(decoded.image).empty() ? 0 : 1;
    }
  }
  EXPECT_EQ(pictures, 200);
  EXPECT_GE(found, 190);  // the 95 % that were wanted
}

TEST(DefaultNetworks, RealFacesAreFoundAndFarAboveTheBottom) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real faces to test with";
  const Assessor assessor(Network::load(default_network()), {.detector = Detector::load(default_detector())});
  for (const char* name : {"astronaut.png", "biden.jpg", "obama.jpg"}) {
    const Assessment a = assessor.assess(Image::open((kShared / "data/portraits" / name).string()));
    ASSERT_EQ(a.status, Status::kOk) << name << " " << a.detail;
    EXPECT_GE(a.scalar, 10) << name;
  }
}

}  // namespace
}  // namespace prefiqs
