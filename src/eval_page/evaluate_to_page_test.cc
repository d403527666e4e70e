// From files to the page.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/evaluation.h>
#include <prefiqs/image.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/folder_for_test.h"
#include "base/html_for_test.h"
#include "report/npy.h"

namespace prefiqs {
namespace {

using testing::HasSubstr;

constexpr int kPeople = 15, kPictures = 3, kWidth = 8;

class EvaluateToPage : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    std::string rows = "path,quality\n";
    report::NpyFile embeddings(folder / "e.npy", report::OpenMode::kNew, kWidth);
    for (int p = 0; p < kPeople; ++p) {
      std::vector<float> person(kWidth);
      for (float& v : person) v = normal(random);
      for (int k = 0; k < kPictures; ++k) {
        std::vector<float> row;
        for (const float v : person) row.push_back(v + 0.3f * static_cast<float>(k) * normal(random));
        embeddings.Append(row);
        const std::string path = folder / fmt::format("{}/{}.png", p, k);
        rows += fmt::format("{},{}\n", path, 10 * (kPictures - k) + p * 0.1);
        Fill(path, "");
        if (p > 0) write_png({4, 4, std::vector<std::uint8_t>(48, static_cast<std::uint8_t>(p))}, path);
      }
    }
    options.pairs = "all";
    options.rows = Fill(folder / "rows.csv", rows);
    options.embeddings = folder / "e.npy";
    options.fmrs = {0.1, 0.01};
    options.resamples = 3;
  }
  FolderForTest folder;
  EvaluationOptions options;
};

TEST_F(EvaluateToPage, ShowsTheErrorsThatTheCurveCounts) {
  const EvaluationReport report = evaluate_to_page(options, folder / "page.html");
  const std::string html = Contents(folder / "page.html");
  ExpectWellFormed(html);
  int steps = 0;
  double most = 0;
  for (const EvaluationCurve& curve : report.curves) {
    if (curve.protocol != EdcProtocol::kPairs || curve.fmr != 0.01) continue;
    for (const EvaluationPoint& p : curve.points) {
      if (p.discarded > 0.3) break;
      const std::string counts = fmt::format("{} + {}", std::lround(p.fnmr * static_cast<double>(p.mated)),
                                             std::lround(p.fmr * static_cast<double>(p.non_mated)));
      EXPECT_THAT(html, HasSubstr(">" + counts + "<"));
      most = std::max(most, p.fnmr);
      ++steps;
    }
  }
  EXPECT_EQ(steps, 14);  // of a method and the floor
  EXPECT_GT(most, 0);
  const EvaluationReport same = evaluate(options);
  ASSERT_EQ(report.curves.size(), same.curves.size());
  for (std::size_t k = 0; k < same.curves.size(); ++k) {
    EXPECT_EQ(report.curves[k].to_30.value, same.curves[k].to_30.value);
    EXPECT_EQ(report.curves[k].to_30.interval.high, same.curves[k].to_30.interval.high);
  }
}

TEST_F(EvaluateToPage, NamesPicturesThatCannotBeRead) {
  evaluate_to_page(options, folder / "page.html");
  const std::string html = Contents(folder / "page.html");
  EXPECT_GT(Count(html, "data:image/jpeg"), 30u);
  EXPECT_THAT(html, HasSubstr("pictures could not be read"));
  EXPECT_THAT(html, HasSubstr(">0.png</span>"));
}

TEST_F(EvaluateToPage, IsTheSameForAnyNumberOfThreads) {
  options.threads = 1;
  evaluate_to_page(options, folder / "one.html");
  options.threads = 4;
  evaluate_to_page(options, folder / "four.html");
  EXPECT_EQ(Contents(folder / "one.html"), Contents(folder / "four.html"));
}

TEST_F(EvaluateToPage, SaysWhereItCannotBeWritten) {
  EXPECT_THROW(evaluate_to_page(options, folder / "no such folder/page.html"), Error);
}

}  // namespace
}  // namespace prefiqs
