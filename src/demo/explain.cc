#include "demo/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "align/align.h"
#include "align/resize.h"
#include "degrade/spoil.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/faces.h"
#include "pipeline/guard.h"
#include "pipeline/refuse.h"

namespace prefiqs {
namespace demo {
namespace {

constexpr std::size_t kMostPlaces = 10000;
constexpr std::uint8_t kGrey = 128;
// Of the patch's side. Blurred by half of it nothing of that size is left to recognise; an edge that rises over a
// quarter of it is no edge that a network would take for a feature.
constexpr double kBlurShare = 0.5, kEdgeShare = 0.25;

int Pixels(double share, int height) { return std::max(1, static_cast<int>(std::lround(share * height))); }

// First pixels of the patches along an axis: every `step`, and one that ends where the crop does.
std::vector<int> Starts(int side, int patch, int step) {
  std::vector<int> starts;
  for (int start = 0; start < side - patch; start += step) starts.push_back(start);
  starts.push_back(std::max(0, side - patch));
  return starts;
}

// How much of a pixel is hidden, along an axis of the patch: 1 in its middle, less in its edge, never 0.
std::vector<double> Profile(int patch) {
  const double edge = std::max(1.0, kEdgeShare * patch);
  std::vector<double> profile;
  for (int i = 0; i < patch; ++i) profile.push_back(std::min(1.0, (std::min(i, patch - 1 - i) + 0.5) / edge));
  return profile;
}

Image Filled(const Image& crop, int patch, PatchFill fill) {
  if (fill == PatchFill::kBlurred) return degrade::Blur(crop, kBlurShare * patch);
  Image filled = crop;
  std::uint8_t colour[3] = {kGrey, kGrey, kGrey};
  for (std::size_t c = 0; fill == PatchFill::kMean && c < 3; ++c) {
    std::int64_t sum = 0;
    for (std::size_t i = c; i < crop.rgb.size(); i += 3) sum += crop.rgb[i];
    colour[c] = static_cast<std::uint8_t>(std::lround(static_cast<double>(sum) / (crop.width * crop.height)));
  }
  for (std::size_t i = 0; i < filled.rgb.size(); ++i) filled.rgb[i] = colour[i % 3];
  return filled;
}

// A square at (left, top), the part that lies on the crop.
struct Patch {
  int left, top;
};

template <typename Visit>  // visit(pixel, hidden share)
void ForEachPixel(const Image& crop, const Patch& patch, const std::vector<double>& profile, const Visit& visit) {
  const int side = static_cast<int>(profile.size());
  for (int y = patch.top; y < std::min(patch.top + side, crop.height); ++y) {
    for (int x = patch.left; x < std::min(patch.left + side, crop.width); ++x) {
      visit(static_cast<std::size_t>(y) * static_cast<std::size_t>(crop.width) + static_cast<std::size_t>(x),
            profile[static_cast<std::size_t>(x - patch.left)] * profile[static_cast<std::size_t>(y - patch.top)]);
    }
  }
}

Image Hidden(const Image& crop, const Image& filled, const Patch& patch, const std::vector<double>& profile) {
  Image hidden = crop;
  ForEachPixel(crop, patch, profile, [&](std::size_t pixel, double share) {
    for (std::size_t i = 3 * pixel; i < 3 * pixel + 3; ++i) {
      hidden.rgb[i] = static_cast<std::uint8_t>(std::lround((1 - share) * crop.rgb[i] + share * filled.rgb[i]));
    }
  });
  return hidden;
}

AssessorOptions OfCrops(const AssessorOptions& options) {
  AssessorOptions of_crops = options;
  of_crops.detector.reset();
  of_crops.guarded = false;
  return of_crops;
}

}  // namespace

void Check(const ExplainOptions& options) {
  if (!(options.patch > 0 && options.patch <= 1)) {
    throw Error(ErrorCode::kUsage, fmt::format("patch {}: above 0, at most 1 (of the crop's height)", options.patch));
  }
  if (!(options.step > 0 && options.step <= options.patch)) {
    throw Error(ErrorCode::kUsage, fmt::format("step {}: above 0, at most the patch's {}, or regions are left out",
                                               options.step, options.patch));
  }
  if (options.assessor.method == Method::kEmbedding) {
    throw Error(ErrorCode::kUsage, "method embed: has no quality to explain");
  }
}

void Map(const Assessor& assessor, const ExplainOptions& options, Explanation& explanation) {
  const Image& crop = explanation.crop;
  const int side = Pixels(options.patch, crop.height), step = Pixels(options.step, crop.height);
  const std::vector<double> profile = Profile(side);
  const std::vector<int> tops = Starts(crop.height, side, step), lefts = Starts(crop.width, side, step);
  if (tops.size() * lefts.size() > kMostPlaces) {
    throw Error(ErrorCode::kUsage,
                fmt::format("patch {} and step {}: {} places to hide, at most {}; take a larger step", options.patch,
                            options.step, tops.size() * lefts.size(), kMostPlaces));
  }
  const Image filled = Filled(crop, side, options.fill);
  const auto pixels = crop.rgb.size() / 3;
  std::vector<double> sum(pixels, 0.0), weight(pixels, 0.0);
  explanation.patches = 0;
  for (const int top : tops) {  // a row of patches at a time: as pictures they are large
    std::vector<Image> hidden;
    for (const int left : lefts) hidden.push_back(Hidden(crop, filled, {left, top}, profile));
    const std::vector<Assessment> assessments = assessor.assess(hidden);
    explanation.patches += static_cast<int>(assessments.size());
    for (std::size_t i = 0; i < assessments.size(); ++i) {
      const double change = static_cast<double>(assessments[i].quality) - explanation.assessment.quality;
      if (!std::isfinite(change)) continue;
      ForEachPixel(crop, {lefts[i], top}, profile, [&](std::size_t pixel, double share) {
        sum[pixel] += share * change;
        weight[pixel] += share;
      });
    }
  }
  explanation.change.clear();
  for (std::size_t i = 0; i < pixels; ++i) {
    explanation.change.push_back(weight[i] > 0 ? static_cast<float>(sum[i] / weight[i])
                                               : std::numeric_limits<float>::quiet_NaN());
  }
}

}  // namespace demo

Explanation explain(const Network& network, const DecodedImage& picture, const ExplainOptions& options) {
  demo::Check(options);
  const AssessorOptions guarded = pipeline::WithGuard(options.assessor);
  const Assessor assessor(network, demo::OfCrops(options.assessor));
  pipeline::FaceOptions faces = assessor.impl().Faces(FaceSelection::kBest);
  if (options.assessor.detector) faces.detector = &*options.assessor.detector;
  pipeline::FaceCandidate candidate = std::move(pipeline::FindFaces(picture, faces).front());
  Explanation explanation;
  explanation.assessment = candidate.assessment;
  if (!candidate.crop) return explanation;
  explanation.assessment = assessor.assess(candidate.crop->image);
  explanation.assessment.face = candidate.assessment.face;
  explanation.assessment.faces = candidate.assessment.faces;
  pipeline::AddDetail(std::move(candidate.assessment.detail), explanation.assessment);
  pipeline::AskGuard(guarded, network.preprocessing().crop_template, *candidate.crop, explanation.assessment);
  if (!std::isfinite(explanation.assessment.quality)) return explanation;
  explanation.crop = std::move(candidate.crop->image);
  demo::Map(assessor, options, explanation);
  return explanation;
}

Image draw(const Explanation& explanation) {
  constexpr int kHeight = 448, kGap = 8;
  constexpr double kMostCover = 0.8;  // so that the face shows through
  constexpr double kCosts[3] = {214, 39, 28}, kCarries[3] = {26, 94, 190};
  const Image& crop = explanation.crop;
  if (explanation.change.empty() || explanation.change.size() * 3 != crop.rgb.size()) {
    throw Error(ErrorCode::kUsage, "an explanation without a map cannot be drawn");
  }
  double most = 0;
  for (const float change : explanation.change) {
    if (std::isfinite(change)) most = std::max(most, std::abs(static_cast<double>(change)));
  }
  Image map = crop;
  for (std::size_t i = 0; i < explanation.change.size(); ++i) {
    const double change = explanation.change[i];
    const double cover = std::isfinite(change) && most > 0 ? kMostCover * std::abs(change) / most : 0;
    const double* const colour = change > 0 ? kCosts : kCarries;
    // Luma of ITU-R BT.601.
    const double grey = 0.299 * crop.rgb[3 * i] + 0.587 * crop.rgb[3 * i + 1] + 0.114 * crop.rgb[3 * i + 2];
    for (std::size_t c = 0; c < 3; ++c) {
      map.rgb[3 * i + c] = static_cast<std::uint8_t>(std::lround((1 - cover) * grey + cover * colour[c]));
    }
  }
  const int width = std::max(1, static_cast<int>(std::lround(static_cast<double>(kHeight) * crop.width / crop.height)));
  const Image left = align::Resize(crop, width, kHeight), right = align::Resize(map, width, kHeight);
  Image both{2 * width + kGap, kHeight, {}};
  both.rgb.reserve(static_cast<std::size_t>(both.width * both.height * 3));
  for (std::ptrdiff_t y = 0; y < kHeight; ++y) {
    const std::ptrdiff_t row = std::ptrdiff_t{3} * width;
    both.rgb.insert(both.rgb.end(), left.rgb.begin() + y * row, left.rgb.begin() + (y + 1) * row);
    both.rgb.insert(both.rgb.end(), std::size_t{3} * kGap, std::uint8_t{255});
    both.rgb.insert(both.rgb.end(), right.rgb.begin() + y * row, right.rgb.begin() + (y + 1) * row);
  }
  return both;
}

}  // namespace prefiqs
