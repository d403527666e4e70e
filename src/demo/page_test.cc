#include "demo/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/html_for_test.h"

namespace prefiqs::demo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Image Flat(int side, std::uint8_t level) {
  return {side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side * 3), level)};
}

DemoReport TestReport() {
  DemoReport report;
  report.pictures = {{"a/<b>&\"c\".png", Status::kOk, "", 0.9f, 0.2f, 88},
                     {"dog.png", Status::kNoFace, "", 0.5f, 1.0f, 0},
                     {"broken.png", Status::kUndecodable, "no picture", NAN, NAN, -1}};
  report.portrait = report.pictures[0].path;
  report.series = {{"blur", "sigma", {0, 1, 2}, {0.9, 0.8, 0.7}, -1.0}, {"noise", "levels", {0, 1}, {0.9, NAN}, {}}};
  report.faces = report.non_faces = 1;
  return report;
}

TEST(Page, ShowsEverythingAndNeedsNothing) {
  const DemoReport report = TestReport();
  const PagePictures pictures{{Flat(8, 1), Flat(8, 2), {}},
                              {Flat(8, 3), Flat(8, 4), {}},
                              {{Flat(8, 5), Flat(8, 6), Flat(8, 7)}, {Flat(8, 8), Flat(8, 9)}}};
  const std::string html = RenderPage(report, pictures, {"net.onnx", "recipe", "rgb", "", "prefiqs"});
  ExpectWellFormed(html);
  EXPECT_EQ(Count(html, "<img "), 9u);
  EXPECT_EQ(Count(html, "<polyline "), 2u);
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;&amp;&quot;c&quot;.png"));
  EXPECT_THAT(html, HasSubstr("quality falls with blur</td><td class=\"n\">-1.00</td><td class=\"yes\">"));
  EXPECT_THAT(html, HasSubstr("quality falls with noise</td><td class=\"n\">–</td><td class=\"no\">"));
  EXPECT_THAT(html, HasSubstr("0 of 1 pair<"));
  EXPECT_THAT(html, HasSubstr("3 pictures: 1 with a face, 1 without, 1 without a score."));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST(Page, ShowsWhatScoresHangOn) {
  DemoReport report = TestReport();
  EXPECT_THAT(
      RenderPage(report, {std::vector<Image>(3), std::vector<Image>(3), std::vector<std::vector<Image>>(2)}, {}),
      Not(HasSubstr("hangs on")));
  for (const float most : {0.012f, 0.034f}) {
    DemoExplanation& explained = report.explained.emplace_back();
    explained.path = "<worst>.png";
    explained.explanation.crop = Flat(4, 100);
    explained.explanation.change.assign(16, NAN);
    explained.explanation.change[3] = -most;
    explained.explanation.assessment.quality = 0.75f;
  }
  const std::string html =
      RenderPage(report, {std::vector<Image>(3), std::vector<Image>(3), std::vector<std::vector<Image>>(2)}, {});
  ExpectWellFormed(html);
  EXPECT_EQ(Count(html, "class=\"map\""), 2u);
  EXPECT_THAT(html, HasSubstr("&lt;worst&gt;.png · quality 0.7500 · strongest change 0.0120"));
  EXPECT_THAT(html, HasSubstr("strongest change 0.0340"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(Page, JudgesNothingWhereNothingWasScored) {
  DemoReport report;
  report.pictures.assign(2, {"broken.png", Status::kUndecodable, "no picture", NAN, NAN, -1});
  const std::string html = RenderPage(report, {std::vector<Image>(2), std::vector<Image>(2), {}}, {});
  ExpectWellFormed(html);
  EXPECT_THAT(html, HasSubstr("2 pictures: 0 with a face, 0 without, 2 without a score."));
  EXPECT_THAT(html, Not(HasSubstr("In short")));
}

TEST(Page, StandsAnEmptyReport) { ExpectWellFormed(RenderPage({}, {}, {})); }

TEST(Page, LeavesOutTheMiddleOfVeryMany) {
  DemoReport report;
  report.pictures.assign(1000, {"x.png", Status::kOk, "", 0.5f, 1.0f, -1});
  const std::string html = RenderPage(report, {std::vector<Image>(1000), std::vector<Image>(1000), {}}, {});
  ExpectWellFormed(html);
  EXPECT_EQ(Count(html, "class=\"score\""), 240u);
  EXPECT_THAT(html, HasSubstr("760 pictures in between"));
}

}  // namespace
}  // namespace prefiqs::demo
