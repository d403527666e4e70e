#include "sweep/choose_faces.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include "base/count.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "degrade/spoil.h"
#include "face/selection.h"
#include "input/source.h"
#include "pipeline/faces.h"
#include "pipeline/guard.h"

namespace prefiqs::sweep {
namespace {

constexpr std::uint64_t kSeed = 20261126;
constexpr double kPublishedHeight = 112;  // of crops whose pixels the blur is meant in

// Strengths from "hardly seen" to what a face at a gate may well have: the first three of the demonstration's.
constexpr struct {
  degrade::Way way;
  double strengths[3];
} kWays[]{{degrade::Way::kBlur, {1, 2, 3}},
          {degrade::Way::kDownscale, {1.5, 2.5, 4}},
          {degrade::Way::kNoise, {10, 20, 35}},
          {degrade::Way::kJpeg, {60, 80, 90}},
          {degrade::Way::kDark, {1, 2, 3}},
          {degrade::Way::kOverexposed, {0.5, 1, 1.5}},
          {degrade::Way::kOcclusion, {0.15, 0.3, 0.45}}};

// A picture of no face drifts as it likes, and so does a face that is not aligned; many of them would choose.
bool IsFace(const AssessorOptions& options, CropTemplate crop_template, const pipeline::FaceCandidate& candidate) {
  Assessment assessment = candidate.assessment;
  assessment.status = Status::kOk;  // as far as it got
  pipeline::AskGuard(options, crop_template, *candidate.crop, assessment);
  return assessment.status == Status::kOk;
}

// Sums and resamples go by it, so that they do not hang on the inputs' order.
std::vector<Image> InOrderOfHash(std::vector<Image> pictures) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < pictures.size(); ++i) order.emplace_back(PictureHash(pictures[i]), i);
  std::ranges::sort(order);
  std::vector<Image> ordered;
  for (const auto& [hash, i] : order) ordered.push_back(std::move(pictures[i]));
  return ordered;
}

}  // namespace

std::vector<Image> TakeFaces(const Network& network, const JobOptions& options, std::size_t most, std::size_t fewest) {
  if (std::ranges::find(options.inputs, "-") != options.inputs.end()) {
    throw Error(ErrorCode::kUsage, "the list of faces is read more than once to choose a recipe: give it as @FILE");
  }
  std::vector<input::Item> items = input::ListItems(options.inputs);
  std::ranges::sort(items, {}, &input::Item::name);
  const pipeline::FaceOptions faces{.detector = options.assessor.detector ? &*options.assessor.detector : nullptr,
                                    .landmarks = options.assessor.landmarks ? &*options.assessor.landmarks : nullptr,
                                    .min_face = options.assessor.min_face,
                                    .selection = face::OneFace(options.faces),
                                    .max_faces = options.assessor.max_faces,
                                    .search = options.assessor.search,
                                    .turn = options.assessor.turn,
                                    .width = network.input_width(),
                                    .height = network.input_height(),
                                    .crop_template = network.preprocessing().crop_template};
  // In rounds, as not every picture has a face: of n pictures number i * stride modulo n, which meets each once.
  std::size_t stride = std::max<std::size_t>(1, static_cast<std::size_t>(0.618 * static_cast<double>(items.size())));
  while (std::gcd(stride, items.size()) != 1) ++stride;
  const AssessorOptions guarded = pipeline::WithGuard(options.assessor);
  std::vector<Image> found;
  for (std::size_t next = 0; next < items.size() && found.size() < most;) {
    std::vector<Image> round(std::min(most - found.size(), items.size() - next));
    ParallelFor(round.size(), options.assessor.threads, [&](std::size_t i) {
      const input::Item& item = items[(next + i) * stride % items.size()];
      pipeline::FaceOptions of_item = faces;
      of_item.name = item.name;
      auto candidates = pipeline::FindFaces(input::Read(item, options.limits), of_item);
      pipeline::FaceCandidate& best = candidates.front();
      if (best.crop && IsFace(guarded, faces.crop_template, best)) round[i] = std::move(best.crop->image);
    });
    next += round.size();
    std::erase_if(round, [](const Image& face) { return face.rgb.empty(); });
    std::ranges::move(round, std::back_inserter(found));
  }
  if (found.size() < fewest) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {} at least are wanted to choose a recipe by", Count(found.size(), "face"), fewest));
  }
  return InOrderOfHash(std::move(found));
}

std::uint64_t PictureHash(const Image& picture) {
  ContentHash hash;
  const std::string size = fmt::format("{}x{} ", picture.width, picture.height);
  hash.Add({reinterpret_cast<const std::uint8_t*>(size.data()), size.size()});
  hash.Add(picture.rgb);
  return std::stoull(hash.Hex().substr(0, 16), nullptr, 16);
}

MadeWorse MakeWorse(const Image& face, std::uint64_t seed) {
  std::mt19937_64 random(kSeed + seed);
  const std::uint64_t drawn = random() % (3 * std::size(kWays) + 1);
  if (drawn == 3 * std::size(kWays)) return {.picture = face, .worse = false};
  const auto& [way, strengths] = kWays[drawn / 3];
  const double unit = way == degrade::Way::kBlur ? face.height / kPublishedHeight : 1;
  return {.picture = degrade::Spoil(face, way, strengths[drawn % 3] * unit, random())};
}

}  // namespace prefiqs::sweep
