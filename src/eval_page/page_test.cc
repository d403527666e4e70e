#include "eval_page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "base/html_for_test.h"

namespace prefiqs::eval_page {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// Two methods and the floor, six images, every protocol at two FMRs of which the second cannot be told.
struct Page {
  EvaluationReport report;
  eval::Examples examples;
  std::map<std::uint32_t, Thumbnail> thumbnails;
  Facts facts{
      .pairs = "a<b>.txt", .rows = "r&d.csv", .embeddings = "e.npy", .made_by = "prefiqs", .lower_is_better = {}};

  Page() {
    report.methods = {"</script><script>alert(1)</script>", "second", "random"};
    report.images = 6;
    report.identities = 1234;
    report.mated = 100;
    report.non_mated = 2000;
    report.not_compared = 1;
    report.error_rates = {
        {.wanted_fmr = 0.01, .threshold = 0.5, .fmr = 0.009, .fnmr = 0.1, .enough = true, .interval = {}},
        {.wanted_fmr = 1e-4, .interval = {}}};
    report.harm_ranks = {{{.alpha = 0, .value = 0.5, .reversed = -0.5, .interval = {0.375, 0.625}},
                          {.alpha = 3, .value = 0.25, .reversed = 0.125, .interval = {}}},
                         {{.value = 0, .interval = {}}, {.value = 0, .interval = {}}},
                         {{.value = 0, .interval = {}, .better_than_first = 0.25}, {.value = 0, .interval = {}}}};
    for (std::size_t m = 0; m < 3; ++m) {
      for (const EdcProtocol protocol : {EdcProtocol::kPairs, EdcProtocol::kFixedThreshold, EdcProtocol::kImages}) {
        for (const double fmr : {0.01, 1e-4}) {
          EvaluationCurve& curve = report.curves.emplace_back();
          curve.method = m;
          curve.protocol = protocol;
          curve.fmr = fmr;
          if (fmr == 1e-4) continue;
          for (int k = 0; k < 8; ++k) {
            curve.points.push_back({.discarded = k / 20.0,
                                    .fnmr = 0.1 - 0.01 * k,
                                    .threshold = 0.5,
                                    .fmr = protocol == EdcProtocol::kFixedThreshold ? kNaN : 0.01,
                                    .mated = 100,
                                    .non_mated = 2000});
            curve.bands.push_back({.discarded = k / 20.0, .low = 0.01, .high = 0.2});
          }
          curve.to_20 =
              curve.to_30 = {.value = 0.01 * static_cast<double>(m + 1), .interval = {0.005, 0.05}, .reversed = 0.01};
        }
      }
    }
    examples.images = {"x/<b>&\"c\".png", "y/\xff.png", "z/2.png", "z/3.png", "z/4.png", "z/5.png"};
    examples.qualities = {{0.5f, 0.1f, kNone, 0.9f, 0.2f, 0.3f}, {-6, -5, -4, -3, -2, -1}, {0, 0, 0, 0, 0, 0}};
    examples.fmr = 0.01;
    examples.errors.resize(3);
    for (auto& steps : examples.errors) {
      for (int k = 0; k < 2; ++k) {
        eval::ErrorStep& step = steps.emplace_back();
        step.point = report.curves[0].points[static_cast<std::size_t>(k)];
        step.false_non_matches = 14;
        step.false_matches = k == 0 ? 1 : 0;
        step.worst_false_non_matches = {{0, 1, -std::numeric_limits<float>::infinity(), 1}, {2, 3, 0.125f, 20}};
        if (k == 0) step.worst_false_matches = {{4, 5, 0.75f, 1}};
      }
    }
    for (std::uint32_t i = 0; i < 4; ++i) thumbnails[i] = {.jpeg = {1, 2, 3}, .trouble = {}};
    thumbnails[4] = {.jpeg = {}, .trouble = "no <such> file"};
  }
  std::string Html() const { return RenderPage({report, examples, thumbnails, facts}); }
};

TEST(EvaluationPage, NeedsNothingAndEscapesEverything) {
  const std::string html = Page().Html();
  ExpectWellFormed(html);
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
  EXPECT_THAT(html, Not(HasSubstr("<link")));
  EXPECT_EQ(Count(html, "href=\""), Count(html, "href=\"#p") + Count(html, "href=\"data:image/jpeg;base64,"));
  EXPECT_EQ(Count(html, "<script"), 3u);  // ours
  EXPECT_THAT(html, HasSubstr("a&lt;b&gt;.txt"));
  EXPECT_THAT(html, HasSubstr("r&amp;d.csv"));
  EXPECT_THAT(html, HasSubstr("x/&lt;b&gt;&amp;&quot;c&quot;.png"));
  EXPECT_THAT(html, HasSubstr("no &lt;such&gt; file"));
  EXPECT_THAT(html, HasSubstr("alert(1)&lt;/script&gt;"));
  for (const char* word : {"nan", "inf,", "inf<", "-0.0"}) EXPECT_THAT(html, Not(HasSubstr(word)));
}

TEST(EvaluationPage, SaysWhatItsNumbersAreOf) {
  Page page;
  EXPECT_THAT(page.Html(), HasSubstr("<td>0.500</td><td>0.375 to 0.625</td><td>–</td><td>-0.500</td><td>0.250</td>"));
  EXPECT_THAT(page.Html(), HasSubstr("<dt>protocol A</dt><dd>without mirrored embeddings</dd>"));
  page.report.mirrored = true;
  page.report.harm_ranks[0][0].value = kNaN;
  EXPECT_THAT(page.Html(), HasSubstr("<dt>protocol A</dt><dd>with mirrored embeddings</dd>"));
  EXPECT_THAT(page.Html(), HasSubstr("RCE at FMR 0.001 is left out: there are too few"));
}

TEST(EvaluationPage, TemplatesHaveNoPicturesToMiss) {
  Page page;
  page.facts.of_templates = true;
  page.thumbnails.clear();
  page.examples.images = {"template 7", "template 8", "template 9", "template 10", "template 11", "template 12"};
  const std::string html = page.Html();
  ExpectWellFormed(html);
  EXPECT_THAT(html, HasSubstr("Templates have no pictures of their own"));
  EXPECT_THAT(html, HasSubstr("<span class=\"face none\">template 8</span>"));
  EXPECT_THAT(html, HasSubstr("<dt>templates</dt>"));
  for (const char* text : {"could not be read", "title=\"template", "too large"})
    EXPECT_THAT(html, Not(HasSubstr(text)));
}

TEST(EvaluationPage, EmbedsEachPictureOnceAndNamesTheOthers) {
  const std::string html = Page().Html();
  EXPECT_EQ(Count(html, "data:image/jpeg;base64,AQID"), 4u);
  EXPECT_EQ(Count(html, "<image "), 4u);
  std::size_t uses = 0;
  const std::regex use("<use href=\"#p([0-9]+)\"/>");
  for (std::sregex_iterator at(html.begin(), html.end(), use), end; at != end; ++at, ++uses) {
    EXPECT_EQ(Count(html, "id=\"p" + (*at)[1].str() + "\""), 1u);
  }
  EXPECT_GT(uses, 20u);
  EXPECT_THAT(html, HasSubstr("<span class=\"face none\" title=\"z/4.png: no &lt;such&gt; file\">4.png</span>"));
  EXPECT_THAT(html, HasSubstr("<span class=\"face none\" title=\"z/5.png: left out"));
  EXPECT_THAT(html, HasSubstr("1 of 5 pictures could not be read"));
}

TEST(EvaluationPage, SaysWhatTheReportSays) {
  Page page;
  page.facts.lower_is_better = {false, true};
  const std::string html = page.Html();
  EXPECT_THAT(html, HasSubstr("<dt>people</dt><dd>1\u202f234</dd>"));
  EXPECT_THAT(html, HasSubstr("<td>0.0001</td><td class=\"said\" colspan=\"4\">too few"));
  EXPECT_EQ(Count(html, "<figure class=\"panel\""), 3u);  // of the FMR that can be told
  EXPECT_EQ(Count(html, "class=\"line m1\""), 6u);        // whole and up to 30 %
  EXPECT_EQ(Count(html, "class=\"line m2\""), 6u);
  EXPECT_THAT(html, HasSubstr("FNMR (%)"));
  EXPECT_THAT(html, HasSubstr("images discarded (%)"));
  EXPECT_THAT(html, HasSubstr("<td><b>10.000</b></td><td>5.000 to 50.000</td>"));
  EXPECT_THAT(html, HasSubstr("aria-pressed=\"true\">14 + 1</button>"));
  EXPECT_EQ(Count(html, "False non-matches: 14, the worst 2 of them"), 4u);  // two methods, two steps
  EXPECT_EQ(Count(html, "False matches: 1<"), 2u);
  EXPECT_EQ(Count(html, "False matches: none<"), 2u);
  EXPECT_EQ(Count(html, "Shown at the step before and discarded since: 2<"), 2u);
  EXPECT_THAT(html, HasSubstr("<p>no embedding <span>goes at 5 %</span></p>"));
  EXPECT_THAT(html, HasSubstr("<p>s = 0.125 <span>never goes</span></p>"));
  EXPECT_THAT(html, HasSubstr("the 5 worst, the worst first, 1 image has no score"));
  EXPECT_THAT(html, HasSubstr("<figcaption class=\"worse\">6</figcaption>"));  // as the file has it, not negated
}

// Protocol B from starting errors: buttons, charts and areas of their own; of false matches the error is the FMR.
TEST(EvaluationPage, ShowsStartingErrors) {
  Page page;
  EXPECT_THAT(page.Html(), Not(HasSubstr("B from a starting")));
  std::vector<EvaluationCurve> curves;
  for (std::size_t m = 0; m < 3; ++m) {
    for (std::size_t k = 0; k < 6; ++k) curves.push_back(page.report.curves[m * 6 + k]);
    for (const EdcProtocol protocol : {EdcProtocol::kFalseNonMatches, EdcProtocol::kFalseMatches}) {
      EvaluationCurve& curve = curves.emplace_back(page.report.curves[m * 6 + 2]);  // B's
      curve.protocol = protocol;
      curve.fmr = kNaN;
      curve.start = 0.0625;
      for (EvaluationPoint& p : curve.points) {
        if (protocol == EdcProtocol::kFalseMatches) p.fmr = p.fnmr / 4, p.fnmr = kNaN;
      }
    }
    curves[m * 8 + 4].normalised.value = 0.75;
  }
  page.report.curves = curves;
  const std::string html = page.Html();
  ExpectWellFormed(html);
  EXPECT_EQ(Count(html, "data-pick=\"protocol=B-FNM\""), 2u);  // above the curves and the areas
  EXPECT_EQ(Count(html, "<figure class=\"panel\" data-show=\"protocol=B-FM\""), 1u);
  EXPECT_EQ(Count(html, "data-pick=\"fmr="), 1u);  // starting errors are no FMRs
  EXPECT_THAT(html, HasSubstr("<b>B-FM · non-mated pairs discarded · start 0.0625</b>"));
  EXPECT_THAT(html, HasSubstr(">FMR (%)</text>"));
  EXPECT_THAT(html, HasSubstr("<td>B-FNM</td><td>start 0.0625</td>"));
  EXPECT_THAT(html, HasSubstr("[0.0225,0.01,0.2,0.5,0.0225,null,2000]"));
  EXPECT_THAT(html, HasSubstr("<td>0.7500</td></tr>"));
  for (const char* word : {"nan", "inf,", "inf<"}) EXPECT_THAT(html, Not(HasSubstr(word)));
}

// 20 steps of A and C, 100 of B, for each of the methods; null behind a curve's end.
TEST(EvaluationPage, HasTheNumbersThatAreReadAtThePointer) {
  const std::string html = Page().Html();
  const std::string begin = "id=\"readings\">";
  const std::size_t at = html.find(begin) + begin.size();
  const std::string json = html.substr(at, html.find("</script>", at) - at);
  EXPECT_EQ(Count(json, "\"steps\":20,"), 2u);
  EXPECT_EQ(Count(json, "\"steps\":100,"), 1u);
  EXPECT_EQ(Count(json, "[0.09,0.01,0.2,0.5,0.01,100,2000]"), 6u);
  EXPECT_EQ(Count(json, "[0.09,0.01,0.2,0.5,null,100,null]"), 3u);
  EXPECT_EQ(Count(json, "[0.09,null,null,0.5,null,100,null]"), 12u);  // between the bands
  EXPECT_EQ(Count(json, ",null,null,null,null,null,null,null,null,null,null,null,null]"), 9u);
}

TEST(EvaluationPage, StandsReportsWithNothingInThem) {
  Page page;
  page.report.curves.clear();
  page.examples.fmr = 0;
  page.examples.errors.assign(3, {});
  page.thumbnails.clear();
  const std::string html = page.Html();
  ExpectWellFormed(html);
  EXPECT_THAT(html, HasSubstr("No FMR has enough non-mated pairs for a curve."));
}

TEST(Extremes, AreTheWorstAndTheBestThatHaveAQuality) {
  const Extremes few = ExtremesOf({0.5f, kNone, 0.1f, 0.9f, 0.5f}, 3);
  EXPECT_THAT(few.worst, testing::ElementsAre(2, 0, 4));
  EXPECT_THAT(few.best, testing::ElementsAre(3, 4, 0));
  EXPECT_EQ(few.missing, 1u);
  EXPECT_EQ(ExtremesOf({kNone, 1.0f}, 3).worst.size(), 1u);
}

TEST(ImagesShown, AreLimitedAndEachOnce) {
  Page page;
  EXPECT_THAT(ImagesShown(page.report, page.examples), testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5));
  page.report.methods.assign(41, "m");
  page.examples.qualities.clear();
  page.examples.errors.assign(41, {});
  for (int m = 0; m < 41; ++m) {  // other images at either end each time
    std::vector<float> quality(4000, 0.5f);
    for (std::size_t i = 0; i < 24; ++i) {
      quality[static_cast<std::size_t>(m) * 48 + i] = 0;
      quality[static_cast<std::size_t>(m) * 48 + 24 + i] = 1;
    }
    page.examples.qualities.push_back(quality);
  }
  EXPECT_EQ(ImagesShown(page.report, page.examples).size(), 800u);
}

}  // namespace
}  // namespace prefiqs::eval_page
