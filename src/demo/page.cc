#include "demo/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>

#include "base/count.h"
#include "base/html.h"
#include "image/encode.h"

namespace prefiqs::demo {
namespace {

constexpr int kPictureQuality = 82;
constexpr double kWanted = -0.9;
// More tiles make a page that no browser enjoys.
constexpr std::size_t kMostTiles = 240;

constexpr std::string_view kStyle = R"(
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .8rem; }
.tile { background: var(--tile); border: 1px solid var(--line); border-radius: 8px; padding: .5rem; break-inside: avoid; }
.tile.none { border-style: dashed; } .tile .pair { display: flex; gap: .35rem; height: 5.2rem; justify-content: center; }
.tile img { height: 5.2rem; flex: 1; min-width: 0; object-fit: cover; border-radius: 4px; } .tile .crop { max-width: 5.2rem; }
.tile .name { font-size: .78rem; color: var(--soft); overflow-wrap: anywhere; margin-top: .3rem; } .tile .score { font-weight: 600; font-variant-numeric: tabular-nums; }
.bar { height: 5px; background: var(--line); border-radius: 3px; margin: .25rem 0; } .bar i { display: block; height: 100%; background: var(--mark); border-radius: 3px; } .none .bar i { background: var(--bad); }
.series { display: grid; grid-template-columns: minmax(15rem, 22rem) 1fr; gap: .4rem 1.4rem; align-items: center; border-top: 1px solid var(--line); padding: .9rem 0; break-inside: avoid; }
.series h3 { grid-column: 1 / -1; margin: 0; font-size: 1rem; } .series h3 small { color: var(--soft); font-weight: 400; }
.steps { display: flex; flex-wrap: wrap; gap: .4rem; } .steps figure { margin: 0; text-align: center; font-size: .75rem; color: var(--soft); font-variant-numeric: tabular-nums; } .steps img { display: block; width: 5.2rem; height: 5.2rem; border-radius: 4px; object-fit: cover; }
.maps { display: flex; flex-wrap: wrap; gap: 1rem; } .maps figure { margin: 0; font-size: .8rem; color: var(--soft); } .maps img { display: block; width: 26rem; max-width: 100%; border-radius: 6px; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .grid { stroke: var(--line); } svg .curve { fill: none; stroke: var(--mark); stroke-width: 2; } svg circle { fill: var(--mark); }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); font-weight: 600; }
@media (max-width: 40rem) { .series { grid-template-columns: 1fr; } })";

std::string Picture(const Image& image, std::string_view kind, std::string_view what) {
  if (image.empty()) return {};
  return fmt::format("<img class=\"{}\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">", kind, EscapeHtml(what),
                     Base64(image::ToJpeg(image, kPictureQuality)));
}

std::string Number(double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string("–"); }

std::string FileName(const std::string& path) { return EscapeHtml(std::filesystem::path(path).filename().string()); }

struct Range {
  double low = 0, high = 1;
};

// Of everything that is drawn, a little wider, so that curves can be compared with each other and with the tiles.
Range QualityRange(const DemoReport& report) {
  double low = 1, high = 0;
  const auto see = [&](double q) {
    if (std::isfinite(q)) low = std::min(low, q), high = std::max(high, q);
  };
  for (const DemoPicture& p : report.pictures) see(p.quality);
  for (const DemoSeries& s : report.series) std::for_each(s.qualities.begin(), s.qualities.end(), see);
  if (low > high) return {};
  const double room = std::max(0.02, 0.06 * (high - low));
  return {std::max(0.0, low - room), std::min(1.0, high + room)};
}

std::string Tile(const DemoPicture& picture, const Image& thumbnail, const Image& crop, Range range) {
  const bool face = picture.status == Status::kOk;
  const std::string label = face ? std::string() : fmt::format(" · {}", info(picture.status).text);
  const double share = std::isfinite(picture.quality) ? (picture.quality - range.low) / (range.high - range.low) : 0;
  const std::string scalar = picture.scalar >= 0 ? fmt::format(" · {} of 100", picture.scalar) : std::string();
  return fmt::format(
      "<div class=\"tile{}\"><div class=\"pair\">{}{}</div><div class=\"bar\"><i style=\"width:{:.1f}%\"></i></div>"
      "<div class=\"score\">{}{}</div><div class=\"name\">{} · drift {}{}</div></div>\n",
      face ? "" : " none", Picture(thumbnail, "photo", "the picture"), Picture(crop, "crop", "what the network saw"),
      100 * std::clamp(share, 0.0, 1.0), Number(picture.quality), scalar, FileName(picture.path), Number(picture.drift),
      label);
}

std::string Curve(const DemoSeries& series, Range range) {
  constexpr double kWidth = 340, kHeight = 170, kLeft = 40, kRight = 18, kTop = 8, kBottom = 22;
  // One step a tick: strengths rise unevenly, and their numbers have to be readable.
  const double steps = std::max<double>(1, static_cast<double>(series.strengths.size()) - 1);
  const auto x = [&](std::size_t step) {
    return kLeft + (kWidth - kLeft - kRight) * static_cast<double>(step) / steps;
  };
  const auto y = [&](double quality) {
    return kTop + (kHeight - kTop - kBottom) * (range.high - quality) / (range.high - range.low);
  };
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"quality against {}\">", kWidth,
                                kHeight, EscapeHtml(series.name));
  for (int i = 0; i <= 4; ++i) {
    const double quality = range.low + (range.high - range.low) * i / 4;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{:.2f}</text>",
        kLeft, kWidth - kRight, y(quality), y(quality), kLeft - 5, y(quality) + 4, quality);
  }
  std::string points, dots;
  for (std::size_t i = 0; i < series.strengths.size(); ++i) {
    const double strength = series.strengths[i], quality = series.qualities[i];
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x(i), kHeight - 6, strength);
    if (!std::isfinite(quality)) continue;
    points += fmt::format("{:.1f},{:.1f} ", x(i), y(quality));
    dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", x(i), y(quality));
  }
  return svg + fmt::format("<polyline class=\"curve\" points=\"{}\"/>{}</svg>", points, dots);
}

bool Falls(const DemoSeries& series) { return series.rank_correlation && *series.rank_correlation <= kWanted; }

std::string Correlation(const DemoSeries& series) {
  return series.rank_correlation ? fmt::format("{:.2f}", *series.rank_correlation) : std::string("–");
}

std::string Series(const DemoSeries& series, const std::vector<Image>& steps, Range range) {
  std::string figures;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    figures += fmt::format("<figure>{}{}<br>{}</figure>", Picture(steps[i], "step", series.name), series.strengths[i],
                           Number(series.qualities[i]));
  }
  return fmt::format(
      "<div class=\"series\"><h3>{} <small>({}) · rank correlation <span class=\"{}\">{}</span></small></h3>"
      "{}<div class=\"steps\">{}</div></div>\n",
      EscapeHtml(series.name), EscapeHtml(series.unit), Falls(series) ? "yes" : "no", Correlation(series),
      Curve(series, range), figures);
}

std::string Explained(const DemoExplanation& explained) {
  double most = 0;
  for (const float change : explained.explanation.change) {
    if (std::isfinite(change)) most = std::max(most, std::abs(static_cast<double>(change)));
  }
  return fmt::format("<figure>{}<figcaption>{} · quality {} · strongest change {}</figcaption></figure>\n",
                     Picture(draw(explained.explanation), "map", "the crop, and what its quality hangs on"),
                     FileName(explained.path), Number(explained.explanation.assessment.quality), Number(most));
}

std::string Verdicts(const DemoReport& report) {
  std::string rows;
  const auto row = [&](std::string_view what, const std::string& is, bool good) {
    rows += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"{}\">{}</td></tr>", EscapeHtml(what), is,
                        good ? "yes" : "no", good ? "as it should be" : "falls short");
  };
  for (const DemoSeries& s : report.series) row(fmt::format("quality falls with {}", s.name), Correlation(s), Falls(s));
  if (report.faces > 0 && report.non_faces > 0) {
    row("pictures of no face that are not below a face",
        fmt::format("{} of {}", report.inverted, Count(report.faces * report.non_faces, "pair")), report.inverted == 0);
  }
  return fmt::format("<table><tr><th>what one wants</th><th>measured</th><th></th></tr>{}</table>", rows);
}

std::string Warning(const DemoReport& report) {
  if (report.warning.empty()) return {};
  return fmt::format("<p class=\"no\">{}</p>\n", EscapeHtml(report.warning));
}

void Fact(std::string& text, std::string_view name, const std::string& value) {
  if (!value.empty()) text += fmt::format("<dt>{}</dt><dd>{}</dd>", name, EscapeHtml(value));
}

}  // namespace

std::string RenderPage(const DemoReport& report, const PagePictures& pictures, const PageFacts& facts) {
  const Range range = QualityRange(report);
  const std::size_t scored = static_cast<std::size_t>(report.faces) + static_cast<std::size_t>(report.non_faces);
  const std::string unscored = scored == report.pictures.size()
                                   ? std::string()
                                   : fmt::format(", {} without a score", report.pictures.size() - scored);
  const std::string verdicts = scored == 0 ? std::string() : "<h2>In short</h2>\n" + Warning(report) + Verdicts(report);
  std::string fact_list;
  Fact(fact_list, "network", facts.network);
  Fact(fact_list, "recipe", facts.recipe);
  Fact(fact_list, "preprocessing", facts.preprocessing);
  Fact(fact_list, "0 to 100", facts.calibration);
  Fact(fact_list, "made by", facts.made_by);

  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">{}<style>{}{}</style>"
      "</head><body>\n<h1>What survives pruning</h1>\n<p>Each face went through a face recognition network and through "
      "a "
      "pruned copy of it. The less its embedding moves, the better the picture. {}: {} with a face, {} "
      "without{}."
      "</p>\n<dl class=\"facts\">{}</dl>\n{}\n",
      kPageMark, kPageStyle, kStyle, Count(report.pictures.size(), "picture"), report.faces, report.non_faces, unscored,
      fact_list, verdicts);

  html +=
      "<h2>All pictures, best first</h2>\n<p>Left the picture, right what the network saw. Dashed: no face was found "
      "(the score is of the picture's middle) or what was found is none to the guard; it only shows where such a thing "
      "ends.</p>\n<div class=\"tiles\">\n";
  const std::size_t count = report.pictures.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (count > kMostTiles && i == kMostTiles / 2) {
      html +=
          fmt::format("</div><p>… {} in between …</p><div class=\"tiles\">\n", Count(count - kMostTiles, "picture"));
    }
    if (count > kMostTiles && i >= kMostTiles / 2 && i < count - kMostTiles / 2) continue;
    html += Tile(report.pictures[i], pictures.thumbnails[i], pictures.crops[i], range);
  }
  html += "</div>\n";
  if (!report.explained.empty()) {
    html +=
        "<h2>What a score hangs on</h2>\n<p>The best and the lowest face; one square after the other was hidden "
        "(blurred) "
        "and the quality asked for again. Red: the face scores better without this region; blue: worse. Each map has a "
        "scale of its own. It tells what the score answers to, not what is wrong with the face, and other squares give "
        "another map.</p>\n<div class=\"maps\">\n";
    for (const DemoExplanation& explained : report.explained) html += Explained(explained);
    html += "</div>\n";
  }
  if (!report.series.empty()) {
    html += fmt::format(
        "<h2>One face, made worse</h2>\n<p>{}, step by step. The strengths were fixed before anything was "
        "scored; the alignment is the sharp face's throughout.</p>\n",
        FileName(report.portrait));
    for (std::size_t i = 0; i < report.series.size(); ++i) html += Series(report.series[i], pictures.steps[i], range);
  }
  return html + "</body></html>\n";
}

}  // namespace prefiqs::demo
