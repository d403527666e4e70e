#include "eval_page/page.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "base/count.h"
#include "base/html.h"
#include "eval_page/numbers.h"
#include "eval_page/script.h"
#include "eval_page/style.h"

namespace prefiqs::eval_page {
namespace {

constexpr std::size_t kColours = 7;
// With the colours used up, and for eyes that see few of them.
constexpr std::array<std::string_view, 4> kDashes{"none", "9 4", "3 3", "12 3 3 3"};
constexpr std::array<std::string_view, 4> kBorders{"solid", "dashed", "dotted", "double"};

// The colour and dash of each method, by class.
std::string MethodStyles(const EvaluationReport& report) {
  std::string style;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    const bool floor = m + 1 == report.methods.size();
    const std::size_t dash = floor ? 2 : m / 3 % kDashes.size();
    const std::string colour = floor ? "floor" : fmt::format("p{}", m % kColours);
    style += fmt::format(".m{} {{ --c: var(--{}); --d: {}; --t: {}; }}\n", m, colour, kDashes[dash], kBorders[dash]);
  }
  return style;
}

void Stat(std::string& html, std::string_view name, const std::string& value) {
  html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string Stats(const Content& content) {
  const EvaluationReport& report = content.report;
  const char* const things = content.facts.of_templates ? "templates" : "images";
  std::string html;
  Stat(html, things, Grouped(report.images));
  Stat(html, "people", Grouped(report.identities));
  Stat(html, "mated pairs", Grouped(report.mated));
  Stat(html, "non-mated pairs", Grouped(report.non_mated));
  Stat(html, fmt::format("{} without an embedding", things), Grouped(report.not_compared));
  if (report.folds >= 2) {
    Stat(html, fmt::format("verification accuracy, {} folds", report.folds),
         fmt::format("{} <small>± {}</small>", Percent(report.accuracy), Percent(report.accuracy_standard_error)));
  }
  return "<dl class=\"stats\">" + html + "</dl>\n";
}

std::string FactList(const Content& content) {
  const Facts& facts = content.facts;
  std::string html;
  for (const auto& [name, value] : {std::pair{"pairs", &facts.pairs}, std::pair{"rows", &facts.rows},
                                    std::pair{"embeddings", &facts.embeddings}, std::pair{"made by", &facts.made_by}}) {
    if (!value->empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>", name, EscapeHtml(*value));
  }
  html +=
      fmt::format("<dt>protocol A</dt><dd>{} mirrored embeddings</dd>", content.report.mirrored ? "with" : "without");
  return "<dl class=\"facts\">" + html + "</dl>\n";
}

// Why pictures are missing, once for all of them.
std::string Troubles(const Content& content) {
  if (content.facts.of_templates) {
    return "<p>Templates have no pictures of their own: they are named, by the numbers of their list.</p>\n";
  }
  std::size_t count = 0;
  std::uint32_t image = 0;
  for (const auto& [i, thumbnail] : content.thumbnails) {
    if (!thumbnail.jpeg.empty()) continue;
    if (count++ == 0) image = i;
  }
  if (count == 0) return {};
  return fmt::format(
      "<p class=\"trouble\">{} of {} could not be read and {} named instead, the first of them {} ({}). Paths are the "
      "rows', from the folder that this was run in.</p>\n",
      count, Count(content.thumbnails.size(), "picture"), WordFor(count, "is", "are"),
      EscapeHtml(content.examples.images[image]), EscapeHtml(content.thumbnails.at(image).trouble));
}

}  // namespace

std::string RenderPage(const Content& content) {
  const EvaluationReport& report = content.report;
  const std::string name = EscapeHtml(content.facts.pairs);
  const std::string of_errors = content.examples.fmr > 0 ? fmt::format(" at FMR {}", content.examples.fmr) : "";
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>{}: error versus discard</title><style>{}{}\n{}</style>"
      "<script>document.documentElement.className = 'js';</script></head><body>\n",
      name, kPageStyle, kStyle, MethodStyles(report));
  html += "<h1>Error versus discard</h1>\n" + FactList(content) + Stats(content) + RenderErrorRates(report);
  html +=
      "<h2>Curves</h2>\n<p>A quality is good if setting aside what it calls bad lowers the false non-match rate of the "
      "network that verifies.</p>\n" +
      RenderCurves(report);
  html +=
      "<h2>Areas under the curves</h2>\n<p>Times 1000, lower is better; the lowest is bold. The interval holds 95 % of "
      "the resamples of people; <i>better</i> is the share of them in which a method beats the first one; <i>ties</i> "
      "is how far the area moves with equally good pairs in the other order; <i>normalised</i> is protocol C's area to "
      "30 % as a share of 0.3 times the FNMR without discarding, not times 1000.</p>\n" +
      RenderAreas(report);
  html += RenderHarm(report);
  html += fmt::format("<h2>The worst and the best {}</h2>\n", content.facts.of_templates ? "templates" : "faces");
  html += Troubles(content) + RenderFaces(content);
  html += fmt::format(
      "<h2>Errors{}</h2>\n<p>Protocol A, by method and share discarded: false non-matches + false matches that are "
      "still "
      "kept. Qualities stand below the faces; the lower one of a pair, which decides when it goes, is red. <i>s</i> is "
      "the similarity. The worst errors come first.</p>\n",
      of_errors);
  html += RenderErrors(content) + RenderThumbnails(content);
  return html + fmt::format("<script>{}</script>\n</body></html>\n", kScript);
}

}  // namespace prefiqs::eval_page
