// What the demonstration promises of the default networks: quality falls along every series, and what is no face ends
// below what is one.
#include <gtest/gtest.h>
#include <prefiqs/demo.h>

#include <filesystem>
#include <map>

namespace prefiqs {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;
const std::filesystem::path kDemoPictures = PREFIQS_SOURCE_DIR "/build/demo/pictures";
constexpr double kWanted = -0.9;

DemoReport Demo(const std::filesystem::path& input) {
  DemoOptions options;
  options.inputs = {input.string()};
  options.assessor.detector = Detector::load(default_detector());
  return run_demo(Network::load(default_network()), options);
}

TEST(Verdict, OfTheDemonstrationsOwnPictures) {
  if (!std::filesystem::exists(kDemoPictures)) GTEST_SKIP() << kDemoPictures << " is not there: scripts/demo_pictures";
  const DemoReport report = Demo(kDemoPictures);
  EXPECT_EQ(std::filesystem::path(report.portrait).filename(), "astronaut.png");
  EXPECT_EQ(report.inverted, 0);
  EXPECT_GE(report.non_faces, 17);  // of 18: it takes the cat for a face
  ASSERT_EQ(report.series.size(), 9u);
  for (const DemoSeries& series : report.series) EXPECT_LE(series.rank_correlation.value_or(1), kWanted) << series.name;
}

TEST(Verdict, OfFacesNobodyHasSeen) {
  const std::filesystem::path portraits = kShared / "data/portraits";
  if (!std::filesystem::exists(portraits))
    GTEST_SKIP() << portraits << " is not there: no other portraits to test with";
  std::map<std::string, std::vector<double>> correlations;
  for (const auto& entry : std::filesystem::directory_iterator(portraits)) {
    for (const DemoSeries& series : Demo(entry.path()).series) {
      correlations[series.name].push_back(series.rank_correlation.value_or(1));
    }
  }
  ASSERT_EQ(correlations.size(), 9u);
  for (const auto& [name, values] : correlations) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    EXPECT_GE(values.size(), 10u) << name;
    EXPECT_LE(mean, kWanted) << name;
  }
}

}  // namespace
}  // namespace prefiqs
