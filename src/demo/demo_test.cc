#include <gtest/gtest.h>
#include <prefiqs/demo.h>

#include <cmath>
#include <filesystem>

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

}  // namespace
}  // namespace prefiqs
