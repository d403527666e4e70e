// What the demonstration promises of the default networks: quality falls along every series, and what is no face ends
// below what is one.
#include <gtest/gtest.h>
#include <prefiqs/demo.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

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
  ASSERT_TRUE(std::filesystem::exists(kDemoPictures)) << kDemoPictures << " is not there: run scripts/demo_pictures";
  const DemoReport report = Demo(kDemoPictures);
  EXPECT_EQ(std::filesystem::path(report.portrait).filename(), "astronaut.png");
  EXPECT_EQ(report.inverted, 0);
  EXPECT_EQ(report.non_faces, 18);
  ASSERT_EQ(report.series.size(), 9u);
  for (const DemoSeries& series : report.series) EXPECT_LE(series.rank_correlation.value_or(1), kWanted) << series.name;
}

// Twelve pictures of three people, one of them the demonstration's, one in the training data. Known to fall short: one
// series of a face that the edge of its picture cuts; none may join it, and it may not get worse.
TEST(Verdict, OfOtherPortraits) {
  const std::filesystem::path portraits = kShared / "data/portraits";
  if (!std::filesystem::exists(portraits))
    GTEST_SKIP() << portraits << " is not there: no other portraits to test with";
  const std::set<std::string> short_falling{"obama_partial_face2.jpg"};
  std::map<std::string, std::vector<double>> correlations;
  int weak = 0;
  for (const auto& entry : std::filesystem::directory_iterator(portraits)) {
    const std::string picture = entry.path().filename().string();
    for (const DemoSeries& series : Demo(entry.path()).series) {
      const double correlation = series.rank_correlation.value_or(1);
      correlations[series.name].push_back(correlation);
      if (correlation <= kWanted) continue;
      ++weak;
      EXPECT_TRUE(short_falling.contains(picture)) << picture << ", " << series.name << ": " << correlation;
      EXPECT_LE(correlation, -0.82) << picture << ", " << series.name;
    }
  }
  EXPECT_LE(weak, 1);
  ASSERT_EQ(correlations.size(), 9u);
  for (const auto& [name, values] : correlations) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    EXPECT_EQ(values.size(), 12u) << name;
    EXPECT_LE(mean, kWanted) << name;
  }
}

}  // namespace
}  // namespace prefiqs
