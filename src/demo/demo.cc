#include <prefiqs/demo.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "align/align.h"
#include "base/file.h"
#include "demo/degrade.h"
#include "demo/explain.h"
#include "demo/figure.h"
#include "demo/page.h"
#include "image/large.h"
#include "input/source.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/faces.h"
#include "pipeline/guard.h"
#include "pipeline/preprocessing_check.h"
#include "score/rank_correlation.h"

namespace prefiqs {
namespace {

constexpr std::size_t kMostPictures = 1000;
constexpr int kThumbnailSide = 160;

Landmarks Moved(Landmarks points, float by) {
  for (Point& point : points) point = {point.x + by, point.y + by};
  return points;
}

Image Thumbnail(const Image& picture) { return align::CentralSquare(picture, kThumbnailSide); }

// Everything about one picture that outlives its pixels.
struct Looked {
  DemoPicture result;
  Image thumbnail, crop;
  std::optional<Face> face;
  std::optional<Image> tile;  // of its face
};

// The tile's centre becomes the crop that the network gets, where it is as high: warped with other borders, pixels
// differ in the last bit, and with them the score from what `score` says.
void PutInTheMiddle(const Image& crop, Image& tile) {
  if (crop.height != demo::kCropSide || crop.width > demo::kCropSide) return;
  const int left = (tile.width - crop.width) / 2, top = (tile.height - crop.height) / 2;
  for (int y = 0; y < crop.height; ++y) {
    const std::ptrdiff_t row = std::ptrdiff_t{3} * crop.width;
    std::copy_n(crop.rgb.begin() + y * row, row,
                tile.rgb.begin() + std::ptrdiff_t{3} * (static_cast<std::ptrdiff_t>(top + y) * tile.width + left));
  }
}

// As `score` looks at a picture.
Looked Look(const input::Item& item, const pipeline::FaceOptions& faces, const ImageLimits& limits) {
  Looked looked;
  looked.result.path = item.name;
  const DecodedImage decoded = input::Read(item, limits);
  pipeline::FaceCandidate candidate = std::move(pipeline::FindFaces(decoded, faces).front());
  looked.result.status = candidate.assessment.status;
  looked.result.detail = candidate.assessment.detail;
  if (decoded.status != Status::kOk) return looked;
  const Image& seen = decoded.large ? decoded.large->reduced() : decoded.image;
  looked.thumbnail = Thumbnail(seen);
  looked.face = candidate.assessment.face;
  if (candidate.crop) {
    looked.result.status = Status::kOk;
    looked.crop = std::move(candidate.crop->image);
    const auto to_tile = align::FitSimilarity(
        looked.face->landmarks,
        Moved(align::Template(demo::kCropSide, demo::kCropSide), static_cast<float>(demo::kTileMargin)));
    if (!to_tile) return looked;
    looked.tile = align::Warp(decoded, *to_tile, demo::kTileSide, demo::kTileSide);
    PutInTheMiddle(looked.crop, *looked.tile);
  } else if (looked.result.status == Status::kNoFace) {
    looked.crop = align::CentralSquare(seen, demo::kCropSide);
  }
  return looked;
}

// What is wrong with a picture is said of it; the others go on.
Looked LookOrSay(const input::Item& item, const pipeline::FaceOptions& faces, const ImageLimits& limits) {
  return image::OrSay([&] { return Look(item, faces, limits); },
                      [&](Status status, std::string detail) {
                        Looked looked;
                        looked.result.path = item.name;
                        looked.result.status = status;
                        looked.result.detail = std::move(detail);
                        return looked;
                      });
}

// options: whose guard is asked.
void Score(const Assessor& assessor, const AssessorOptions& options, std::vector<Looked>& looked) {
  std::vector<Image> crops;
  std::vector<Looked*> owners;
  for (Looked& one : looked) {
    if (one.crop.empty()) continue;
    crops.push_back(one.crop);
    owners.push_back(&one);
  }
  std::vector<Assessment> assessments = assessor.assess(crops);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    DemoPicture& result = owners[i]->result;
    Assessment& a = assessments[i];
    a.face = owners[i]->face;
    if (result.status == Status::kOk) {  // in others no face was found
      pipeline::SeenCrop crop(std::move(crops[i]));
      pipeline::AskGuard(options, assessor.network().preprocessing().crop_template, crop, a);
    }
    result.quality = a.quality;
    result.drift = a.drift;
    result.scalar = a.scalar;
    if (a.status == Status::kOk) continue;
    result.status = a.status;
    result.detail = a.detail;
  }
}

// Of the first pictures' faces, as a run of `score` has it.
std::string PreprocessingWarning(const Assessor& assessor, const std::vector<Looked>& looked) {
  std::vector<Image> crops;
  for (std::size_t i = 0; i < std::min(looked.size(), pipeline::kCheckedFaces); ++i) {
    if (looked[i].tile) crops.push_back(looked[i].crop);
  }
  return pipeline::PreprocessingWarning(assessor.impl(), crops).value_or(std::string());
}

// Before minutes of work: that a file can be written, and that it is not somebody's. `mark`: what an earlier one holds
// near its start.
void CheckFree(const std::string& path, std::string_view mark, std::string_view what, bool force) {
  constexpr std::int64_t kStart = 512;
  std::error_code ignored;
  if (path.empty()) return;
  CheckWritable(path);
  if (force || !std::filesystem::is_regular_file(path, ignored)) return;
  const auto file = RegularFile::Open(path);
  if (!file || file->size() == 0) return;
  std::string start(static_cast<std::size_t>(std::min(file->size(), kStart)), '\0');
  file->Read(0, {reinterpret_cast<std::uint8_t*>(start.data()), start.size()});
  if (start.find(mark) != std::string::npos) return;
  throw Error(ErrorCode::kIo, fmt::format("{}: exists already and is no {} of a demonstration; --force overwrites it",
                                          Printable(path), what));
}

// Best first, those without a quality last; the order of the inputs decides between equals.
void SortByQuality(std::vector<Looked>& looked) {
  const auto place = [](const Looked& one) { return std::isfinite(one.result.quality) ? one.result.quality : -1.0f; };
  std::stable_sort(looked.begin(), looked.end(), [&](const Looked& a, const Looked& b) { return place(a) > place(b); });
}

void CountInversions(DemoReport& report) {
  std::vector<float> faces, others;
  for (const DemoPicture& picture : report.pictures) {
    if (!std::isfinite(picture.quality)) continue;
    (picture.status == Status::kOk ? faces : others).push_back(picture.quality);
  }
  report.faces = static_cast<int>(faces.size());
  report.non_faces = static_cast<int>(others.size());
  for (const float other : others) {
    report.inverted += static_cast<int>(std::count_if(faces.begin(), faces.end(), [&](float q) { return other >= q; }));
  }
}

DemoSeries MakeWorse(const Assessor& assessor, const Image& tile, const demo::DegradationSeries& plan,
                     std::vector<Image>& steps) {
  DemoSeries series;
  series.name = plan.name;
  series.unit = plan.strength;
  series.strengths = {0};
  series.strengths.insert(series.strengths.end(), plan.strengths.begin(), plan.strengths.end());
  for (const double strength : series.strengths) steps.push_back(demo::Degrade(tile, plan.kind, strength));
  for (const Assessment& a : assessor.assess(steps)) series.qualities.push_back(a.quality);
  series.rank_correlation = score::RankCorrelation(series.strengths, series.qualities);
  return series;
}

// The best and the worst face, where there are any; coarser than `prefiqs explain`, which takes four times as long.
void ExplainEnds(const Assessor& assessor, const std::vector<Looked>& looked, DemoReport& report) {
  const auto is_face = [](const Looked& one) { return one.tile && one.result.status == Status::kOk; };
  const auto best = std::find_if(looked.begin(), looked.end(), is_face);
  if (best == looked.end()) return;
  const auto worst = std::find_if(looked.rbegin(), looked.rend(), is_face);
  std::vector<const Looked*> ends{&*best};
  if (&*worst != &*best) ends.push_back(&*worst);
  ExplainOptions options;
  options.step = 0.125;
  for (const Looked* const one : ends) {
    DemoExplanation& explained = report.explained.emplace_back();
    explained.path = one->result.path;
    explained.explanation.assessment = assessor.assess(one->crop);
    explained.explanation.crop =
        *align::FitCrop(one->crop, assessor.network().input_width(), assessor.network().input_height());
    demo::Map(assessor, options, explained.explanation);
  }
}

std::string Channels(const Preprocessing& p) {
  return fmt::format("{}, (x - {}) / {}", p.channels == ChannelOrder::kRgb ? "RGB" : "BGR", fmt::join(p.mean, ", "),
                     fmt::join(p.scale, ", "));
}

demo::PageFacts Facts(const Assessor& assessor) {
  const Network& network = assessor.network();
  demo::PageFacts facts;
  facts.network = fmt::format("{} ({})", Printable(network.path()), network.content_hash());
  facts.recipe = assessor.recipe().name();
  facts.preprocessing = Channels(network.preprocessing());
  if (const auto calibration = assessor.calibration()) {
    facts.calibration = fmt::format("the share of {} reference faces that are worse ({}, {})", calibration->faces,
                                    calibration->source, calibration->date);
  }
  facts.made_by = fmt::format("prefiqs {}", version());
  return facts;
}

}  // namespace

DemoReport run_demo(const Network& network, const DemoOptions& options) {
  if (!options.assessor.detector) throw Error(ErrorCode::kUsage, "a demonstration needs a face detector");
  const std::vector<input::Item> items = input::ListItems(options.inputs);
  if (items.size() > kMostPictures) {
    throw Error(ErrorCode::kUsage, fmt::format("{} pictures are too many to look at; a demonstration takes up to {}",
                                               items.size(), kMostPictures));
  }
  CheckFree(options.page, demo::kPageMark, "page", options.force);
  CheckFree(options.figure, demo::kFigureMark, "figure", options.force);
  AssessorOptions crops_only = options.assessor;
  crops_only.detector.reset();
  crops_only.guarded = false;
  const Assessor assessor(network, crops_only);
  pipeline::FaceOptions faces = assessor.impl().Faces(FaceSelection::kBest);
  faces.detector = &*options.assessor.detector;
  std::vector<Looked> looked;
  for (const input::Item& item : items) looked.push_back(LookOrSay(item, faces, options.limits));
  Score(assessor, pipeline::WithGuard(options.assessor), looked);

  DemoReport report;
  report.warning = PreprocessingWarning(assessor, looked);
  SortByQuality(looked);
  demo::PagePictures pictures;
  const Looked* portrait = nullptr;
  for (const Looked& one : looked) {
    report.pictures.push_back(one.result);
    pictures.thumbnails.push_back(one.thumbnail);
    pictures.crops.push_back(one.crop);
    if (portrait == nullptr && one.tile && one.result.status == Status::kOk) portrait = &one;
  }
  CountInversions(report);
  if (portrait != nullptr) {
    report.portrait = portrait->result.path;
    for (const demo::DegradationSeries& plan : demo::kSeries) {
      report.series.push_back(MakeWorse(assessor, *portrait->tile, plan, pictures.steps.emplace_back()));
    }
  }
  ExplainEnds(assessor, looked, report);
  if (!options.page.empty()) {
    const std::string page = demo::RenderPage(report, pictures, Facts(assessor));
    WriteFileAtomically(options.page, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
  }
  if (!options.figure.empty() && !report.series.empty()) {
    WriteFileAtomically(options.figure, demo::RenderFigure(report));
  }
  return report;
}

}  // namespace prefiqs
