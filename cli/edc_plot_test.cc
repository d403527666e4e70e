#include "cli/edc_plot.h"

#include <gmock/gmock.h>

namespace prefiqs::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// One protocol, two methods. Where nearly all is discarded, a handful of pairs makes a curve and a band jump.
EvaluationReport WithTails() {
  EvaluationReport report;
  report.methods = {"drift", "random"};
  for (std::size_t m = 0; m < 2; ++m) {
    EvaluationCurve& curve = report.curves.emplace_back();
    curve.method = m;
    curve.fmr = 0.001;
    curve.points = {
        {.discarded = 0, .fnmr = 0.02}, {.discarded = 0.9, .fnmr = 0.01}, {.discarded = 0.95, .fnmr = 0.75}};
    curve.bands = {{.discarded = 0, .low = 0.01, .high = 0.04}, {.discarded = 0.55, .low = 0.5, .high = 0.875}};
  }
  return report;
}

TEST(EdcPlot, TailsOfAFewPairsDoNotFlattenTheRest) {
  const std::string script = EdcPlotScript(WithTails(), "a.svg");
  EXPECT_THAT(script, HasSubstr("set yrange [0:0.04200000]"));
  EXPECT_THAT(script, HasSubstr("0.550000 0.04200000 0.04200000\n"));  // cut, not gone
  EXPECT_THAT(script, HasSubstr("0.950000 0.75000000\n"));             // gnuplot cuts lines itself
  EXPECT_THAT(script, Not(HasSubstr("0.875")));
  EXPECT_THAT(script, Not(HasSubstr("[0:*]")));
}

TEST(EdcPlot, WithoutErrorsThereIsAnAxis) {
  EvaluationReport report = WithTails();
  for (EvaluationCurve& curve : report.curves) {
    curve.points = {{.discarded = 0, .fnmr = 0}};
    curve.bands.clear();
  }
  EXPECT_THAT(EdcPlotScript(report, "a.svg"), HasSubstr("set yrange [0:0.01000000]"));
}

TEST(EdcPlot, NamesProtocolAWithoutMirrors) {
  EvaluationReport report = WithTails();
  EXPECT_THAT(EdcPlotScript(report, "a.svg"), HasSubstr("A: pairs (no mirrors)'"));
  report.mirrored = true;
  EXPECT_THAT(EdcPlotScript(report, "a.svg"), HasSubstr("A: pairs'"));
}

}  // namespace
}  // namespace prefiqs::cli
