// The public detector on real networks and pictures.
#include <prefiqs/detector.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <set>
#include <string_view>
#include <thread>

#include "align/resize.h"
#include "face/nms.h"

namespace prefiqs {
namespace {

using testing::HasSubstr;

const std::string kShared = PREFIQS_SHARED_DIR;
const std::string kDetectors = kShared + "/models/detectors/";

// Every picture below `folder` whose path holds `part`; each `step`-th in the order of their names.
std::vector<std::string> Pictures(const std::string& folder, const std::string& part, std::size_t step) {
  std::vector<std::string> all, some;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kShared + "/data/" + folder)) {
    const std::string path = entry.path().string();
    const bool picture = entry.path().extension() == ".jpg" || entry.path().extension() == ".png";
    if (picture && path.find(part) != std::string::npos) all.push_back(path);
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

Image Open(const std::string& path) {
  DecodedImage decoded = Image::open(path);
  EXPECT_EQ(decoded.status, Status::kOk) << path << ": " << decoded.detail;
  return decoded.image;
}

struct Known {
  const char* file;
  const char* family;
};

class RealDetector : public testing::TestWithParam<Known> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "no " << kShared << ": real networks are not tested";
  }
  static Detector Load() { return Detector::load(kDetectors + GetParam().file); }

  // Pictures in which no face is found.
  static int Misses(const Detector& detector, const std::vector<std::string>& paths) {
    int misses = 0;
    for (const std::string& path : paths) misses += detector.detect(Open(path)).empty() ? 1 : 0;
    return misses;
  }
};

TEST_P(RealDetector, KnowsItsFamily) {
  const Detector detector = Load();
  EXPECT_EQ(detector.family(), GetParam().family);
  EXPECT_EQ(detector.content_hash().size(), 32u);
}

// Boxes and eyes by hand, in pixels of the picture.
TEST_P(RealDetector, Portraits) {
  struct Portrait {
    const char* file;
    Point left_eye, right_eye;
  };
  const Portrait portraits[] = {
      {"astronaut.png", {203, 102}, {247, 103}},    {"biden.jpg", {527, 325}, {657, 344}},
      {"obama-1080p.jpg", {944, 210}, {1056, 210}}, {"obama-240p.jpg", {209, 46}, {235, 46}},
      {"obama-480p.jpg", {419, 93}, {469, 93}},     {"obama-720p.jpg", {629, 140}, {704, 140}},
      {"obama.jpg", {440, 213}, {549, 211}},        {"obama2.jpg", {255, 371}, {373, 380}},
      {"obama3.jpg", {735, 384}, {863, 393}},       {"obama_partial_face.jpg", {22, 212}, {133, 211}},
      {"obama_small.jpg", {136, 97}, {186, 96}},    {"obama_partial_face2.jpg", {442, 212}, {540, 210}},
  };
  const Detector detector = Load();
  for (const Portrait& portrait : portraits) {
    const std::vector<Face> faces = detector.detect(Open(kShared + "/data/portraits/" + portrait.file));
    ASSERT_FALSE(faces.empty()) << portrait.file;
    const Face& face = faces.front();
    EXPECT_GE(face.confidence, 0.5f);
    const double distance = portrait.right_eye.x - portrait.left_eye.x;
    auto off = [&](Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y) / distance; };
    EXPECT_LT(off(face.landmarks[0], portrait.left_eye), 0.15) << portrait.file;
    EXPECT_LT(off(face.landmarks[1], portrait.right_eye), 0.15) << portrait.file;
    // Nose and mouth below the eyes, mouth corners in order.
    EXPECT_GT(face.landmarks[2].y, face.landmarks[0].y) << portrait.file;
    EXPECT_GT(face.landmarks[3].y, face.landmarks[2].y) << portrait.file;
    EXPECT_LT(face.landmarks[3].x, face.landmarks[4].x) << portrait.file;
    for (const Point& point : face.landmarks) {
      EXPECT_TRUE(point.x > face.box.x && point.x < face.box.x + face.box.width) << portrait.file;
      EXPECT_TRUE(point.y > face.box.y && point.y < face.box.y + face.box.height) << portrait.file;
    }
  }
}

// Measured on all pictures: see the record of bench/detect_bench; the bounds leave room for one or two more.
TEST_P(RealDetector, FindsFacesInLfw) {
  const Detector detector = Load();
  const std::vector<std::string> paths = Pictures("lfw", "", 100);
  ASSERT_GT(paths.size(), 60u);
  EXPECT_EQ(Misses(detector, paths), 0);
}

TEST_P(RealDetector, FindsFrontalAndProfileFacesOfManySizes) {
  const Detector detector = Load();
  const std::vector<std::string> frontal = Pictures("cfp/Data", "/frontal/", 50);
  const std::vector<std::string> profile = Pictures("cfp/Data", "/profile/", 20);
  ASSERT_GE(frontal.size(), 50u);
  ASSERT_GE(profile.size(), 50u);
  EXPECT_EQ(Misses(detector, frontal), 0);
  EXPECT_LE(Misses(detector, profile), 1);
  for (const std::string& path : frontal) {
    const std::vector<Face> faces = detector.detect(Open(path));
    ASSERT_FALSE(faces.empty()) << path;
    EXPECT_LT(faces[0].landmarks[0].x, faces[0].landmarks[1].x) << path;
  }
}

// A mirrored picture mirrors its landmarks: a wrong sub-pixel convention shows as half a pixel here.
TEST_P(RealDetector, HasNoPreferredSide) {
  const Detector detector = Load();
  double sum = 0;
  int count = 0;
  for (const std::string& path : Pictures("lfw", "", 60)) {
    const Image image = Open(path);
    Image mirrored = image;
    const auto width = static_cast<std::size_t>(image.width);
    for (std::size_t row = 0; row < static_cast<std::size_t>(image.height); ++row) {
      for (std::size_t x = 0; x < width; ++x) {
        std::copy_n(&image.rgb[(row * width + x) * 3], 3, &mirrored.rgb[(row * width + width - 1 - x) * 3]);
      }
    }
    const std::vector<Face> faces = detector.detect(image), twins = detector.detect(mirrored);
    if (faces.size() != 1 || twins.size() != 1) continue;
    for (std::size_t p = 0; p < 5; ++p) {
      const float both = faces[0].landmarks[p].x + twins[0].landmarks[p].x;
      sum += (both - static_cast<float>(image.width - 1)) / 2;
      ++count;
    }
  }
  ASSERT_GT(count, 300);
  EXPECT_NEAR(sum / count, 0, 0.35);  // pixels of a 250 px picture
}

TEST_P(RealDetector, SameBitsFromManyThreads) {
  const Detector detector = Load();
  const std::vector<std::string> paths = {kShared + "/data/portraits/obama-480p.jpg",
                                          kShared + "/data/portraits/obama2.jpg",
                                          kShared + "/data/portraits/obama_small.jpg"};
  std::vector<Image> images;
  for (const std::string& path : paths) images.push_back(Open(path));
  std::vector<std::vector<Face>> expected;
  for (const Image& image : images) expected.push_back(Load().detect(image));

  std::atomic<int> different = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < images.size(); ++i) {
        const std::size_t k = (i + t) % images.size();
        const std::vector<Face> faces = detector.detect(images[k]);
        const bool same = std::equal(
            faces.begin(), faces.end(), expected[k].begin(), expected[k].end(), [](const Face& a, const Face& b) {
              return a.box == b.box && a.landmarks == b.landmarks && a.confidence == b.confidence;
            });
        if (!same || faces.empty()) ++different;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

bool Same(const std::vector<Face>& a, const std::vector<Face>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Face& x, const Face& y) {
    return x.box == y.box && x.landmarks == y.landmarks && x.confidence == y.confidence;
  });
}

constexpr int kColumns = 4, kTile = 84, kCell = 600;  // of the sheet below

Point CornerOnSheet(int i) {
  return {static_cast<float>(i % kColumns * kCell + 37 * i % 500),
          static_cast<float>(i / kColumns * kCell + 53 * i % 500)};
}

// That holds the middle of the face; -1 where none does.
int PictureOfSheet(const Face& face, int count) {
  const float x = face.box.x + face.box.width / 2, y = face.box.y + face.box.height / 2;
  for (int i = 0; i < count; ++i) {
    const Point corner = CornerOnSheet(i);
    if (x >= corner.x && x < corner.x + kTile && y >= corner.y && y < corner.y + kTile) return i;
  }
  return -1;
}

// Pictures of LFW at a third of their size, with faces of about 35 pixels, far apart on a large sheet.
Image SheetOfSmallFaces(int count) {
  Image sheet{.width = kColumns * kCell, .height = (count + kColumns - 1) / kColumns * kCell, .rgb = {}};
  sheet.rgb.assign(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3, 100);
  const std::vector<std::string> paths = Pictures("lfw", "", 211);
  for (int i = 0; i < count; ++i) {
    const Image tile = align::Resize(Open(paths.at(static_cast<std::size_t>(i))), kTile, kTile);
    const int left = static_cast<int>(CornerOnSheet(i).x), top = static_cast<int>(CornerOnSheet(i).y);
    for (int y = 0; y < kTile; ++y) {
      std::copy_n(&tile.rgb[static_cast<std::size_t>(y) * kTile * 3], kTile * 3,
                  &sheet.rgb[static_cast<std::size_t>(((top + y) * sheet.width + left) * 3)]);
    }
  }
  return sheet;
}

TEST_P(RealDetector, FindsSmallFacesInLargePicturesByTheFineSearch) {
  const Detector detector = Load();
  constexpr int kCount = 12;
  const Image sheet = SheetOfSmallFaces(kCount);
  const auto whole_faces = detector.detect(sheet), fine = detector.detect(sheet, Search::kFine);
  EXPECT_LT(whole_faces.size(), 6u);
  // Nearly every picture of the sheet shows somebody (some show bystanders, too), and nothing is found between them.
  std::set<int> pictures;
  for (const Face& face : fine) {
    const int picture = PictureOfSheet(face, kCount);
    EXPECT_GE(picture, 0) << face.box.x << " " << face.box.y;
    pictures.insert(picture);
  }
  EXPECT_GE(pictures.size(), 11u);
  // Each is somebody else, and what the normal search finds is among them.
  for (const Face& face : fine) {
    for (const Face& other : fine) EXPECT_TRUE(&face == &other || face::Iou(face.box, other.box) < 0.3f);
  }
  EXPECT_TRUE(Same(whole_faces, detector.detect(sheet, Search::kNormal)));
  std::vector<Face> from_thread;
  std::thread([&] { from_thread = detector.detect(sheet, Search::kFine); }).join();
  EXPECT_TRUE(Same(fine, from_thread));
}

TEST_P(RealDetector, FineSearchOfASmallPictureIsTheNormalOne) {
  const Detector detector = Load();
  const bool of_640 = std::string_view(GetParam().file).find("320") == std::string_view::npos;
  for (const char* name : {"obama-240p.jpg", "obama_small.jpg", "obama2.jpg"}) {
    const Image image = Open(kShared + "/data/portraits/" + name);
    if (std::max(image.width, image.height) >= (of_640 ? 960 : 480)) continue;
    EXPECT_TRUE(Same(detector.detect(image), detector.detect(image, Search::kFine))) << name;
  }
}

// A portrait that fills a large picture holds one face at every scale.
TEST_P(RealDetector, FineSearchFindsALargeFaceOnce) {
  const Detector detector = Load();
  const Image image = Open(kShared + "/data/portraits/biden.jpg");
  const Image large = align::Resize(image, 3 * image.width, 3 * image.height);
  const std::vector<Face> normal = detector.detect(large), fine = detector.detect(large, Search::kFine);
  ASSERT_EQ(normal.size(), 1u);
  ASSERT_EQ(fine.size(), 1u);
  EXPECT_GT(face::Iou(normal[0].box, fine[0].box), 0.7f);
}

TEST_P(RealDetector, AnyShapeOfPicture) {
  const Detector detector = Load();
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 3000}, {5000, 2}, {33, 7}, {1500, 1500}}) {
    Image image{.width = width, .height = height, .rgb = {}};
    image.rgb.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 90);
    EXPECT_TRUE(detector.detect(image).empty()) << width << "x" << height;
    EXPECT_TRUE(detector.detect(image, Search::kFine).empty()) << width << "x" << height;
  }
  EXPECT_TRUE(detector.detect(Image{}).empty());
}

std::string NameOf(const testing::TestParamInfo<Known>& info) {
  std::string name = std::filesystem::path(info.param.file).stem().string();
  std::erase_if(name, [](char c) { return c == '.' || c == '-'; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, RealDetector,
                         testing::Values(Known{"face_detection_yunet_2023mar.onnx", "yunet"},
                                         Known{"yunet_n_320_320.onnx", "yunet"}, Known{"yunet_n_dynamic.onnx", "yunet"},
                                         Known{"scrfd_500m_fixed.onnx", "scrfd"},
                                         Known{"scrfd_2.5g_bnkps.onnx", "scrfd"},
                                         Known{"RetinaFace_mobile320.onnx", "retinaface"}),
                         NameOf);

std::string WhyRefused(const std::string& path, ErrorCode code, const DetectorOptions& options = {}) {
  try {
    Detector::load(path, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "not refused";
}

TEST(DetectorLoad, RefusesWhatIsNoUse) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "no " << kShared << ": real networks are not tested";
  EXPECT_THAT(WhyRefused(kDetectors + "version-RFB-320.onnx", ErrorCode::kModel), HasSubstr("no landmarks"));
  EXPECT_THAT(WhyRefused(kShared + "/models/vface_mobilefacenet.onnx", ErrorCode::kModel),
              HasSubstr("not a face detector of a known family"));
}

TEST(Searches, AreATableInTheirOrder) {
  ASSERT_EQ(searches().size(), 2u);
  for (std::size_t i = 0; i < searches().size(); ++i) {
    EXPECT_EQ(searches()[i].search, static_cast<Search>(i));
    EXPECT_EQ(info(searches()[i].search).name, searches()[i].name);
  }
  EXPECT_EQ(info(Search::kNormal).name, "normal");  // src/report/earlier_rows.cc knows it, too
  EXPECT_EQ(info(Search::kFine).name, "fine");
}

TEST(DetectorLoad, RefusesMissingFilesAndBadOptions) {
  EXPECT_THAT(WhyRefused("no/such/file.onnx", ErrorCode::kIo), HasSubstr("no/such/file.onnx"));
  EXPECT_THAT(WhyRefused("", ErrorCode::kUsage, {.min_confidence = 1.5f}), HasSubstr("min_confidence"));
  EXPECT_THAT(WhyRefused("", ErrorCode::kUsage, {.nms_iou = std::nanf("")}), HasSubstr("nms_iou"));
}

}  // namespace
}  // namespace prefiqs
