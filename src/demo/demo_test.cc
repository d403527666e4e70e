#include <gtest/gtest.h>
#include <prefiqs/demo.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/folder_for_test.h"

namespace prefiqs {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

TEST(Demo, NeedsADetector) {
  FolderForTest folder;
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  const Network network = Network::load((kShared / "models/w600k_mbf_dequantised_fp32.onnx").string(),
                                        {.preprocessing = Preprocessing::preset("arcface")});
  EXPECT_THROW(run_demo(network, {.inputs = {(kShared / "data/portraits").string()}}), Error);
}

TEST(Demo, RanksRealPicturesAndWritesThePage) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  FolderForTest folder;
  write_png({64, 48, std::vector<std::uint8_t>(64 * 48 * 3, 90)}, folder / "flat.png");
  Fill(folder / "broken.png", "not a picture");
  const Network network = Network::load((kShared / "models/w600k_mbf_dequantised_fp32.onnx").string(),
                                        {.preprocessing = Preprocessing::preset("arcface")});
  DemoOptions options;
  options.inputs = {(kShared / "data/portraits/astronaut.png").string(), folder / "flat.png", folder / "broken.png"};
  options.assessor.detector = Detector::load((kShared / "models/detectors/face_detection_yunet_2023mar.onnx").string());
  options.page = folder / "demo.html";
  options.figure = folder / "demo.svg";
  const DemoReport report = run_demo(network, options);
  ASSERT_EQ(report.pictures.size(), 3u);
  EXPECT_EQ(report.pictures[0].status, Status::kOk);
  EXPECT_EQ(report.pictures[1].status, Status::kNoFace);
  EXPECT_TRUE(std::isfinite(report.pictures[1].quality));
  EXPECT_EQ(report.pictures[2].status, Status::kUndecodable);
  EXPECT_EQ(report.faces, 1);
  EXPECT_EQ(report.non_faces, 1);
  EXPECT_EQ(report.inverted, 0);
  ASSERT_EQ(report.series.size(), 9u);
  for (const DemoSeries& series : report.series) {
    EXPECT_FLOAT_EQ(static_cast<float>(series.qualities[0]), report.pictures[0].quality) << series.name;
    ASSERT_TRUE(series.rank_correlation) << series.name;
  }
  ASSERT_EQ(report.explained.size(), 1u);  // the best face is the worst
  EXPECT_EQ(report.explained[0].path, report.portrait);
  EXPECT_EQ(report.explained[0].explanation.patches, 49);
  EXPECT_EQ(report.explained[0].explanation.assessment.quality, report.pictures[0].quality);
  EXPECT_GT(Contents(options.page).size(), 50000u);
  EXPECT_NE(Contents(options.page).find("What a score hangs on"), std::string::npos);
  const std::string figure = Contents(options.figure);
  for (const DemoSeries& series : report.series) EXPECT_NE(figure.find(">" + series.name + "<"), std::string::npos);
  EXPECT_EQ(figure.find("nan"), std::string::npos);

  // Whatever the threads, the same.
  options.assessor.threads = 2;
  const DemoReport again = run_demo(network, options);
  for (std::size_t i = 0; i < report.series.size(); ++i)
    EXPECT_EQ(again.series[i].qualities, report.series[i].qualities);
  EXPECT_EQ(again.explained[0].explanation.change, report.explained[0].explanation.change);
}

DemoOptions OfDefaults(std::vector<std::string> inputs) {
  DemoOptions options;
  options.inputs = std::move(inputs);
  options.assessor.detector = options.assessor.guard = Detector::load(default_detector());
  return options;
}

TEST(Demo, LeavesFilesThatAreNoPages) {
  FolderForTest folder;
  write_png({64, 48, std::vector<std::uint8_t>(64 * 48 * 3, 90)}, folder / "flat.png");
  Fill(folder / "empty.html", "");
  Fill(folder / "mine.svg", "<svg>mine</svg>");
  const Network network = Network::load(default_network());
  DemoOptions options = OfDefaults({folder / "flat.png"});
  const std::string picture = Contents(folder / "flat.png");
  options.page = folder / "flat.png";  // its own input
  EXPECT_THROW(run_demo(network, options), Error);
  EXPECT_EQ(Contents(folder / "flat.png"), picture);
  options.page = folder / "empty.html";
  options.figure = folder / "mine.svg";
  EXPECT_THROW(run_demo(network, options), Error);
  EXPECT_EQ(Contents(folder / "empty.html"), "");
  options.figure = folder / "missing/figure.svg";
  EXPECT_THROW(run_demo(network, options), Error);
  EXPECT_EQ(Contents(folder / "empty.html"), "") << "written before it was known that the figure cannot be";

  options.figure.clear();
  run_demo(network, options);
  const std::string page = Contents(options.page);
  Fill(folder / "empty.html", page + "<!-- earlier -->");
  run_demo(network, options);
  EXPECT_EQ(Contents(options.page), page);
  options.page = folder / "mine.svg";
  options.force = true;
  run_demo(network, options);
  EXPECT_EQ(Contents(options.page), page);
}

// The same numbers, for networks as high as the page's crops.
TEST(Demo, SaysWhatAnAssessorSays) {
  const std::filesystem::path portraits = kShared / "data/portraits";
  if (!std::filesystem::exists(portraits)) GTEST_SKIP() << portraits << " is not there: no real faces to test with";
  for (const char* const model : {"w600k_mbf_dequantised_fp32", "xiaoccer_mobilefacenet_112x96_casia"}) {
    const Network network = Network::load((kShared / "models" / (std::string(model) + ".onnx")).string(),
                                          {.preprocessing = Preprocessing::preset("arcface")});
    DemoOptions options = OfDefaults({(portraits / "obama3.jpg").string()});
    const Assessor assessor(network, options.assessor);
    const Assessment a = assessor.assess(Image::open(options.inputs[0]));
    ASSERT_EQ(a.status, Status::kOk);
    const DemoReport report = run_demo(network, options);
    EXPECT_EQ(report.pictures.at(0).quality, a.quality) << model;
    EXPECT_EQ(report.pictures.at(0).drift, a.drift) << model;
    ASSERT_EQ(report.series.size(), 9u);
    for (const DemoSeries& series : report.series) EXPECT_EQ(static_cast<float>(series.qualities[0]), a.quality);
    EXPECT_EQ(report.warning, "");
  }
}

TEST(Demo, AsksTheGuardAndLeavesSmallFacesOut) {
  const std::filesystem::path portrait = kShared / "data/portraits/obama3.jpg";
  if (!std::filesystem::exists(portrait)) GTEST_SKIP() << portrait << " is not there: no real face to test with";
  const Network network = Network::load(default_network());
  DemoOptions options = OfDefaults({portrait.string()});
  const Assessment a = Assessor(network, options.assessor).assess(Image::open(portrait.string()));
  options.assessor.guard = Detector::load(default_detector(), {.min_confidence = 1.0f});  // blind
  options.assessor.guard_under = 1.1f;                                                    // and asked
  const DemoReport refused = run_demo(network, options);
  EXPECT_EQ(refused.pictures.at(0).status, Status::kNotAFace);
  EXPECT_EQ(refused.pictures.at(0).scalar, -1);
  EXPECT_EQ(refused.pictures.at(0).quality, a.quality);
  EXPECT_EQ(refused.faces, 0);
  EXPECT_TRUE(refused.series.empty());

  options.assessor.min_face = 1e4f;
  const DemoReport small = run_demo(network, options);
  EXPECT_EQ(small.pictures.at(0).status, Status::kFaceTooSmall);
  EXPECT_TRUE(std::isnan(small.pictures.at(0).quality));
}

TEST(Demo, WarnsOfPixelsThatLookWrong) {
  const std::filesystem::path people = kShared / "data/lfw/images";
  if (!std::filesystem::exists(people)) GTEST_SKIP() << people << " is not there: no real faces to test with";
  DemoOptions options = OfDefaults({});
  options.assessor.recipe = Recipe{.scope = Scope::kLayer, .sparsity = 0.2};
  for (const auto& person : std::filesystem::directory_iterator(people)) {
    if (options.inputs.size() == 12) break;
    options.inputs.push_back(std::filesystem::directory_iterator(person)->path().string());
  }
  FolderForTest folder;
  options.page = folder / "page.html";
  for (const char* const preset : {"arcface", "raw"}) {
    const Network network = Network::load((kShared / "models/w600k_mbf_dequantised_fp32.onnx").string(),
                                          {.preprocessing = Preprocessing::preset(preset)});
    const DemoReport report = run_demo(network, options);
    const bool wrong = std::string(preset) == "raw";
    EXPECT_EQ(report.warning.find("looks wrong") != std::string::npos, wrong) << report.warning;
    EXPECT_EQ(Contents(options.page).find("looks wrong") != std::string::npos, wrong);
  }
}

}  // namespace
}  // namespace prefiqs
