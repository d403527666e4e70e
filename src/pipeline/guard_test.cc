// The guard against pictures of no face: the detector that comes with the project, run on aligned crops.
#include <gtest/gtest.h>
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "align/align.h"
#include "align/resize.h"
#include "pipeline/guard.h"

namespace prefiqs {
namespace {

constexpr int kSide = 112;
const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

Image Flat(int side, std::mt19937& random) {
  const std::uint8_t colour[3]{static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random()),
                               static_cast<std::uint8_t>(random())};
  Image image{side, side, {}};
  for (int i = 0; i < side * side; ++i) image.rgb.insert(image.rgb.end(), colour, colour + 3);
  return image;
}

Image Noise(int side, std::mt19937& random) {
  Image image{side, side, {}};
  for (int i = 0; i < side * side * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(random()));
  return image;
}

Image Rectangles(std::mt19937& random) {
  Image image = Flat(kSide, random);
  for (int i = 0; i < 8; ++i) {
    const Image patch = Flat(1, random);
    const int left = static_cast<int>(random() % kSide), top = static_cast<int>(random() % kSide);
    const int right = std::min(kSide, left + static_cast<int>(random() % 70));
    const int bottom = std::min(kSide, top + static_cast<int>(random() % 70));
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) std::copy_n(patch.rgb.begin(), 3, image.rgb.begin() + (y * kSide + x) * 3);
    }
  }
  return image;
}

std::vector<Image> PicturesOfNoFace() {
  std::mt19937 random(7);
  std::vector<Image> pictures;
  for (int i = 0; i < 40; ++i) {
    pictures.push_back(Flat(kSide, random));
    pictures.push_back(Noise(kSide, random));
    pictures.push_back(align::Resize(Noise(2 + i, random), kSide, kSide));
    pictures.push_back(Rectangles(random));
  }
  return pictures;
}

TEST(Guard, CatchesPicturesOfNoFace) {
  const Detector detector = Detector::load(default_detector());
  const std::vector<Image> pictures = PicturesOfNoFace();
  const auto caught = std::ranges::count_if(pictures, [&](const Image& p) { return !detector.sees_face(p); });
  EXPECT_GE(static_cast<double>(caught), 0.95 * static_cast<double>(pictures.size()));
}

TEST(Guard, RefusesHardlyAnyFace) {
  const std::filesystem::path lfw = kShared / "data/lfw/images", cfp = kShared / "data/cfp/Data/Images";
  if (!std::filesystem::exists(lfw)) GTEST_SKIP() << lfw << " is not there: no real faces to test with";
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(lfw)) {
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  const std::size_t every = std::max<std::size_t>(1, paths.size() / 300);
  for (std::size_t i = 1; i * every < paths.size(); ++i) std::swap(paths[i], paths[i * every]);
  paths.resize(std::min<std::size_t>(paths.size(), 300));
  for (int person = 201; person <= 250; ++person) {
    for (const char* name : {"frontal/01.jpg", "profile/01.jpg", "profile/02.jpg"}) {
      paths.push_back((cfp / std::to_string(person) / name).string());
    }
  }
  const Detector detector = Detector::load(default_detector());
  int faces = 0, refused = 0;
  for (const std::string& path : paths) {
    const DecodedImage decoded = Image::open(path);
    ASSERT_EQ(decoded.status, Status::kOk) << path;
    const std::vector<Face> found = detector.detect(decoded.image);
    if (found.empty()) continue;
    ++faces;
    refused += detector.sees_face(*align::AlignFace(decoded.image, found[0].landmarks, kSide, kSide)) ? 0 : 1;
  }
  EXPECT_GE(faces, 440);
  EXPECT_LE(refused, faces / 100);
}

TEST(Guard, KeepsTheRawNumbersBesideItsStatus) {
  const Network network = Network::load(default_network());
  const Assessor plain(network, {.guarded = false}), guarded(network);
  std::mt19937 random(11);
  const Image noise = Noise(kSide, random);
  const Assessment raw = plain.assess(noise), a = guarded.assess(noise);
  ASSERT_EQ(raw.status, Status::kOk);
  EXPECT_EQ(a.status, Status::kNotAFace);
  EXPECT_NE(a.detail, "");
  EXPECT_EQ(a.scalar, -1);
  ASSERT_TRUE(std::isfinite(raw.drift));
  EXPECT_EQ(a.drift, raw.drift);
  EXPECT_EQ(a.quality, raw.quality);
  EXPECT_EQ(a.embedding_norm, raw.embedding_norm);
  EXPECT_EQ(a.pruned_norm, raw.pruned_norm);
  EXPECT_EQ(a.sharpness, raw.sharpness);
  EXPECT_EQ(a.embedding, raw.embedding);
}

TEST(Guard, LooksAtDetectionsOfLittleConfidenceOnly) {
  const std::filesystem::path portrait = kShared / "data/portraits/astronaut.png";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const Network network = Network::load(default_network());
  const Detector detector = Detector::load(default_detector());
  // So sure that it sees nothing anywhere.
  const Detector blind = Detector::load(default_detector(), {.min_confidence = 1.0f});
  const DecodedImage picture = Image::open(portrait.string());
  for (const auto& [guard_under, status] : {std::pair{0.0f, Status::kOk}, std::pair{1.0f, Status::kNotAFace}}) {
    const Assessor assessor(network, {.detector = detector, .guard = blind, .guard_under = guard_under});
    EXPECT_EQ(assessor.assess(picture).status, status) << guard_under;
  }
}

// A crop that shows the portrait's face with its aligned position moved by `scale` and `turn` degrees about the middle;
// 1 and 0 give the aligned crop.
Image Portrait(const std::filesystem::path& path, int width, int height, double scale, double turn,
               CropTemplate crop_template = CropTemplate::kInsightFace) {
  const DecodedImage picture = Image::open(path.string());
  EXPECT_EQ(picture.status, Status::kOk) << path;
  const std::vector<Face> faces = Detector::load(default_detector()).detect(picture.image);
  EXPECT_FALSE(faces.empty()) << path;
  Landmarks wanted = align::Template(width, height, crop_template);
  const float c = static_cast<float>(scale * std::cos(turn * M_PI / 180)),
              s = static_cast<float>(scale * std::sin(turn * M_PI / 180));
  const float middle_x = static_cast<float>(width) / 2, middle_y = static_cast<float>(height) / 2;
  for (Point& p : wanted) {
    const float x = p.x - middle_x, y = p.y - middle_y;
    p = {c * x - s * y + middle_x, s * x + c * y + middle_y};
  }
  const auto transform = align::FitSimilarity(faces.at(0).landmarks, wanted);
  EXPECT_TRUE(transform);
  return align::Warp(picture.image, *transform, width, height);
}

TEST(Guard, TellsFacesThatAreNotAligned) {
  const std::filesystem::path portrait = kShared / "data/portraits/astronaut.png";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const Network network = Network::load(default_network());
  const Assessor assessor(network), plain(network, {.guarded = false});
  const int width = network.input_width(), height = network.input_height();
  for (const auto& [scale, turn] : {std::pair{1.0, 0.0}, {1.0, 10.0}, {0.85, 0.0}, {1.15, 0.0}}) {
    const Assessment a = assessor.assess(Portrait(portrait, width, height, scale, turn));
    EXPECT_EQ(a.status, Status::kOk) << scale << " " << turn << ": " << a.detail;
    EXPECT_EQ(a.detail, "");
  }
  for (const auto& [scale, turn] : {std::pair{0.5, 0.0}, {0.4, 0.0}, {1.0, 45.0}, {0.7, 30.0}}) {
    const Image crop = Portrait(portrait, width, height, scale, turn);
    const Assessment a = assessor.assess(crop), raw = plain.assess(crop);
    EXPECT_EQ(a.status, Status::kNotAligned) << scale << " " << turn;
    EXPECT_NE(a.detail.find(" times as large as in an aligned crop"), std::string::npos) << a.detail;
    EXPECT_EQ(a.scalar, -1);
    ASSERT_EQ(raw.status, Status::kOk);
    ASSERT_TRUE(std::isfinite(raw.quality));
    EXPECT_EQ(a.quality, raw.quality);
    EXPECT_EQ(a.drift, raw.drift);
    EXPECT_EQ(a.embedding, raw.embedding);
  }
}

double NumberBehind(const std::string& words, const std::string& text) {
  const std::size_t at = text.find(words);
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? std::numeric_limits<double>::quiet_NaN() : std::stod(text.substr(at + words.size()));
}

// The network sees the mirror image; the guard looks at the crop as it was given.
TEST(Guard, LooksAtCropsThatAreMirroredForTheNetwork) {
  const std::filesystem::path portrait = kShared / "data/portraits/astronaut.png";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const Network network = Network::load(default_network());
  const Assessor assessor(network, {.mirror = true});
  const int width = network.input_width(), height = network.input_height();
  EXPECT_EQ(assessor.assess(Portrait(portrait, width, height, 1, 0)).status, Status::kOk);
  const Assessment turned = assessor.assess(Portrait(portrait, width, height, 1, 45));
  EXPECT_EQ(turned.status, Status::kNotAligned);
  const double degrees = NumberBehind("turned by ", turned.detail);
  EXPECT_NEAR(degrees, 45, 5) << turned.detail;  // of the mirror image it is as much the other way
}

TEST(Guard, KnowsTheTemplatesOfOtherSizes) {
  const std::filesystem::path portrait = kShared / "data/portraits/astronaut.png";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const AssessorOptions options = pipeline::WithGuard({});
  for (const auto& [width, height] : {std::pair{112, 112}, {96, 112}, {128, 128}, {224, 224}}) {
    for (const CropTemplate crop_template : {CropTemplate::kInsightFace, CropTemplate::kScaled}) {
      for (const auto& [scale, status] : {std::pair{1.0, Status::kOk}, {0.5, Status::kNotAligned}}) {
        Assessment a;
        a.status = Status::kOk;
        pipeline::SeenCrop crop(Portrait(portrait, width, height, scale, 0, crop_template));
        pipeline::AskGuard(options, crop_template, crop, a);
        EXPECT_EQ(a.status, status) << width << "×" << height << ", " << scale << ": " << a.detail;
        // By the other template the face of 128×128 would be a seventh larger or an eighth smaller.
        if (status == Status::kNotAligned) {
          EXPECT_NEAR(NumberBehind("the face is ", a.detail), scale, 0.03) << a.detail;
        }
      }
    }
  }
}

// A face that was found was aligned by its points: the guard says only whether it is one.
TEST(Guard, DoesNotDoubtTheAlignmentOfAFoundFace) {
  const std::filesystem::path portrait = kShared / "data/portraits/astronaut.png";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const AssessorOptions options = pipeline::WithGuard({});
  Assessment a;
  a.status = Status::kOk;
  a.face.emplace();
  a.face->confidence = 0.1f;
  pipeline::SeenCrop crop(Portrait(portrait, 112, 112, 0.5, 0));
  pipeline::AskGuard(options, CropTemplate::kInsightFace, crop, a);
  EXPECT_EQ(a.status, Status::kOk);
}

TEST(Guard, IsTheDetectorThatComesWithTheLibraryUnlessAnotherIsNamed) {
  const Detector shipped = Detector::load(default_detector());
  const Detector other = Detector::load(default_detector(), {.min_confidence = 0.0f});  // sees faces everywhere
  ASSERT_TRUE(pipeline::WithGuard({}).guard);
  EXPECT_EQ(pipeline::WithGuard({}).guard->content_hash(), shipped.content_hash());
  std::mt19937 random(3);
  const Image noise = Noise(kSide, random);
  const auto status_by = [&](const AssessorOptions& options) {
    Assessment a;
    a.status = Status::kOk;
    pipeline::SeenCrop crop(noise);  // another guard, another look
    pipeline::AskGuard(pipeline::WithGuard(options), CropTemplate::kInsightFace, crop, a);
    return a.status;
  };
  EXPECT_EQ(status_by({}), Status::kNotAFace);
  EXPECT_NE(status_by({.detector = other}), Status::kNotAFace);
  EXPECT_NE(status_by({.guard = other}), Status::kNotAFace);
  EXPECT_EQ(status_by({.detector = other, .guard = shipped}), Status::kNotAFace);
  for (AssessorOptions options :
       {AssessorOptions{}, AssessorOptions{.detector = other}, AssessorOptions{.guard = other}}) {
    options.guarded = false;
    EXPECT_FALSE(pipeline::WithGuard(options).guard);
    EXPECT_EQ(status_by(options), Status::kOk);
  }
}

// What was noticed about the picture stays.
TEST(Guard, KeepsTheDetailThatIsThere) {
  std::mt19937 random(4);
  Assessment a;
  a.status = Status::kOk;
  a.detail = "noticed";
  pipeline::SeenCrop crop(Noise(kSide, random));
  pipeline::AskGuard(pipeline::WithGuard({}), CropTemplate::kInsightFace, crop, a);
  EXPECT_EQ(a.status, Status::kNotAFace);
  EXPECT_EQ(a.detail, "the guard sees no face in the crop; noticed");
}

TEST(Guard, RefusesACropWhoseSizeIsWrong) {
  const Detector detector = Detector::load(default_detector());
  EXPECT_THROW(detector.sees_face({3, 3, std::vector<std::uint8_t>(5)}), Error);
  EXPECT_FALSE(detector.sees_face({}));
}

}  // namespace
}  // namespace prefiqs
