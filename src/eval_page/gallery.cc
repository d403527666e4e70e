// The faces: the worst, the best, and those that errors are made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/count.h"
#include "base/html.h"
#include "eval_page/numbers.h"
#include "eval_page/page.h"

namespace prefiqs::eval_page {
namespace {

constexpr std::size_t kFaces = 24;  // of the worst and of the best
// About 4 KiB each: a page stays within a few MB. What is beyond is named.
constexpr std::size_t kMostThumbnails = 800;

// As its file has it.
std::string Quality(const Content& content, std::size_t method, std::uint32_t image) {
  const float quality = content.examples.qualities[method][image];
  if (std::isnan(quality)) return "no score";
  const std::vector<bool>& lower = content.facts.lower_is_better;
  return fmt::format("{:.4g}", method < lower.size() && lower[method] ? -quality : quality);
}

std::string FileName(const Content& content, std::uint32_t image) {
  if (content.facts.of_templates) return {};  // whose names stand in their faces' places
  return EscapeHtml(std::filesystem::path(content.examples.images[image]).filename().string());
}

std::string Face(const Content& content, std::uint32_t image) {
  const std::string& path = content.examples.images[image];
  const auto found = content.thumbnails.find(image);
  if (found != content.thumbnails.end() && !found->second.jpeg.empty()) {
    return fmt::format(
        "<svg class=\"face\" viewBox=\"0 0 {0} {0}\" role=\"img\" aria-label=\"{1}\"><title>{1}</title><use "
        "href=\"#p{2}\"/></svg>",
        kThumbnailSide, EscapeHtml(path), image);
  }
  if (content.facts.of_templates) return fmt::format("<span class=\"face none\">{}</span>", EscapeHtml(path));
  const std::string why =
      found == content.thumbnails.end() ? "left out, the page would be too large" : found->second.trouble;
  return fmt::format("<span class=\"face none\" title=\"{}: {}\">{}</span>", EscapeHtml(path), EscapeHtml(why),
                     FileName(content, image));
}

std::string FacesIn(const Content& content, std::size_t method, const std::vector<std::uint32_t>& images) {
  std::string html = "<div class=\"faces\">\n";
  for (const std::uint32_t image : images) {
    html += fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", Face(content, image),
                        Quality(content, method, image));
  }
  return html + "</div>\n";
}

std::string Pair(const Content& content, std::size_t method, const eval::ErrorPair& pair, bool gone) {
  const std::vector<float>& quality = content.examples.qualities[method];
  // The one that decides when the pair goes.
  const bool first_is_worse = !(eval::Known(quality[pair.second]) < eval::Known(quality[pair.first]));
  const auto face = [&](std::uint32_t image, bool worse) {
    return fmt::format("<figure>{}<figcaption{}>{}</figcaption><small>{}</small></figure>", Face(content, image),
                       worse ? " class=\"worse\"" : "", Quality(content, method, image), FileName(content, image));
  };
  const std::string similarity =
      std::isfinite(pair.similarity) ? fmt::format("s = {:.3f}", pair.similarity) : std::string("no embedding");
  std::string when;
  if (!gone && pair.gone < eval::kEdcSteps) when = fmt::format("goes at {} %", 100 * pair.gone / eval::kEdcSteps);
  if (!gone && pair.gone == eval::kEdcSteps) when = "never goes";
  return fmt::format("<div class=\"pair{}\"><div>{}{}</div><p>{} <span>{}</span></p></div>\n", gone ? " gone" : "",
                     face(pair.first, first_is_worse), face(pair.second, !first_is_worse), similarity, when);
}

std::string Pairs(const Content& content, std::size_t method, const std::string& title, std::uint64_t count,
                  const std::vector<eval::ErrorPair>& pairs, bool gone = false) {
  if (pairs.empty()) return gone ? std::string() : fmt::format("<h4>{}: none</h4>\n", title);
  const std::string shown = count > pairs.size() ? fmt::format(", the worst {} of them", pairs.size()) : std::string();
  std::string html = fmt::format("<h4>{}: {}{}</h4>\n<div class=\"pairs\">\n", title, Grouped(count), shown);
  for (const eval::ErrorPair& pair : pairs) html += Pair(content, method, pair, gone);
  return html + "</div>\n";
}

// What was shown at the step before and was set aside since.
std::vector<eval::ErrorPair> GoneSince(const eval::ErrorStep* before, std::uint64_t step) {
  std::vector<eval::ErrorPair> gone;
  if (before == nullptr) return gone;
  for (const auto* pairs : {&before->worst_false_non_matches, &before->worst_false_matches}) {
    std::ranges::copy_if(*pairs, std::back_inserter(gone), [&](const auto& pair) { return pair.gone <= step; });
  }
  return gone;
}

int PercentOf(const eval::ErrorStep& step) { return static_cast<int>(std::lround(100 * step.point.discarded)); }

std::string Step(const Content& content, std::size_t method, std::size_t index) {
  const std::vector<eval::ErrorStep>& steps = content.examples.errors[method];
  const eval::ErrorStep& step = steps[index];
  const EvaluationPoint& p = step.point;
  const auto gone = GoneSince(index == 0 ? nullptr : &steps[index - 1],
                              static_cast<std::uint64_t>(std::lround(p.discarded * eval::kEdcSteps)));
  return fmt::format(
             "<section data-show=\"errors={} step={}\">\n<h3>{}, {} % discarded</h3>\n<p>At the threshold {}, {} "
             "of "
             "{} kept mated pairs are not accepted (FNMR {}), and {} of {} kept non-mated ones are (FMR {}).</p>\n",
             method, index, MethodName(content.report, method), PercentOf(step), Number(p.threshold, 4),
             Grouped(step.false_non_matches), Grouped(p.mated), Percent(p.fnmr), Grouped(step.false_matches),
             Grouped(p.non_mated), Rate(p.fmr)) +
         Pairs(content, method, "False non-matches", step.false_non_matches, step.worst_false_non_matches) +
         Pairs(content, method, "False matches", step.false_matches, step.worst_false_matches) +
         Pairs(content, method, "Shown at the step before and discarded since", gone.size(), gone, true) +
         "</section>\n";
}

// How many errors each method keeps, and the way to them.
std::string Counts(const Content& content) {
  const std::vector<std::vector<eval::ErrorStep>>& errors = content.examples.errors;
  std::string head, rows;
  // Where hardly anything is left to keep, one method may have fewer steps.
  const auto most = std::ranges::max_element(errors, {}, [](const auto& steps) { return steps.size(); });
  for (const eval::ErrorStep& step : *most) head += fmt::format("<th>{} %</th>", PercentOf(step));
  for (std::size_t m = 0; m < errors.size(); ++m) {
    rows += fmt::format("<tr class=\"m{}\"><th>{}</th>", m, MethodName(content.report, m));
    for (std::size_t i = 0; i < errors[m].size(); ++i) {
      const std::string counts =
          fmt::format("{} + {}", Grouped(errors[m][i].false_non_matches), Grouped(errors[m][i].false_matches));
      const bool shown = m < MethodsShown(content.report);
      rows += shown ? fmt::format("<td><button data-pick=\"errors={} step={}\" aria-pressed=\"{}\">{}</button></td>", m,
                                  i, m == 0 && i == 0, counts)
                    : fmt::format("<td><span>{}</span></td>", counts);
    }
    rows += "</tr>\n";
  }
  return fmt::format(
      "<div class=\"wide\"><table class=\"counts\"><thead><tr><th>discarded</th>{}</tr></thead><tbody>\n{}</tbody>"
      "</table></div>\n",
      head, rows);
}

}  // namespace

Extremes ExtremesOf(const std::vector<float>& quality, std::size_t count) {
  std::vector<std::uint32_t> order = eval::WorstFirst(quality);
  std::erase_if(order, [&](std::uint32_t i) { return std::isnan(quality[i]); });
  const std::size_t of_each = std::min(count, order.size());
  const auto size = static_cast<std::ptrdiff_t>(of_each);
  return {.worst = {order.begin(), order.begin() + size},
          .best = {order.rbegin(), order.rbegin() + size},
          .missing = quality.size() - order.size()};
}

std::vector<std::uint32_t> ImagesShown(const EvaluationReport& report, const eval::Examples& examples) {
  std::vector<std::uint32_t> images;
  std::set<std::uint32_t> seen;
  const auto add = [&](std::uint32_t image) {
    if (images.size() < kMostThumbnails && seen.insert(image).second) images.push_back(image);
  };
  for (std::size_t m = 0; m < MethodsShown(report); ++m) {
    for (const eval::ErrorStep& step : examples.errors[m]) {
      for (const auto* pairs : {&step.worst_false_non_matches, &step.worst_false_matches}) {
        for (const eval::ErrorPair& pair : *pairs) add(pair.first), add(pair.second);
      }
    }
    const Extremes extremes = ExtremesOf(examples.qualities[m], kFaces);
    std::ranges::for_each(extremes.worst, add);
    std::ranges::for_each(extremes.best, add);
  }
  return images;
}

std::string RenderFaces(const Content& content) {
  std::string html = fmt::format("<div class=\"controls\">{}</div>\n", MethodButtons(content.report, "faces"));
  for (std::size_t m = 0; m < MethodsShown(content.report); ++m) {
    const Extremes extremes = ExtremesOf(content.examples.qualities[m], kFaces);
    const std::string missing =
        extremes.missing > 0 ? fmt::format(", {} {} {} no score", Grouped(extremes.missing),
                                           WordFor(extremes.missing, content.facts.of_templates ? "template" : "image"),
                                           WordFor(extremes.missing, "has", "have"))
                             : std::string();
    html += fmt::format(
        "<section data-show=\"faces={}\">\n<h3>{}: the {} worst, the worst first{}</h3>\n{}<h3>{}: the {} best, the "
        "best "
        "first</h3>\n{}</section>\n",
        m, MethodName(content.report, m), extremes.worst.size(), missing, FacesIn(content, m, extremes.worst),
        MethodName(content.report, m), extremes.best.size(), FacesIn(content, m, extremes.best));
  }
  return html;
}

std::string RenderErrors(const Content& content) {
  if (content.examples.fmr == 0) return "<p>No FMR has enough non-mated pairs.</p>\n";
  std::string html = Counts(content);
  for (std::size_t m = 0; m < MethodsShown(content.report); ++m) {
    for (std::size_t i = 0; i < content.examples.errors[m].size(); ++i) html += Step(content, m, i);
  }
  return html;
}

std::string RenderThumbnails(const Content& content) {
  std::string html = "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>\n";
  for (const auto& [image, thumbnail] : content.thumbnails) {
    if (thumbnail.jpeg.empty()) continue;
    html += fmt::format("<image id=\"p{}\" width=\"{}\" height=\"{}\" href=\"data:image/jpeg;base64,{}\"/>\n", image,
                        kThumbnailSide, kThumbnailSide, Base64(thumbnail.jpeg));
  }
  return html + "</defs></svg>\n";
}

}  // namespace prefiqs::eval_page
