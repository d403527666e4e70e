#include "pipeline/constant_norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/file.h"
#include "base/split_mix.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "score/drift.h"

namespace prefiqs {
namespace pipeline {
namespace {

struct Look {
  int middle, contrast;  // of the noise, in levels of 0 to 255
};
constexpr Look kNoises[]{{128, 255}, {64, 40}, {200, 90}};

std::vector<Image> FixedPictures(int width, int height) {
  std::vector<Image> pictures;
  std::uint64_t place = 0;
  for (const Look& look : kNoises) {
    Image& picture = pictures.emplace_back(Image{width, height, {}});
    picture.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
    for (std::uint8_t& level : picture.rgb) {
      const int noise = static_cast<int>(SplitMix64(place++) % static_cast<std::uint64_t>(look.contrast + 1));
      level = static_cast<std::uint8_t>(std::clamp(look.middle - look.contrast / 2 + noise, 0, 255));
    }
  }
  Image& ramp = pictures.emplace_back(Image{width, height, {}});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      ramp.rgb.push_back(static_cast<std::uint8_t>(255 * x / width));
      ramp.rgb.push_back(static_cast<std::uint8_t>(255 * y / height));
      ramp.rgb.push_back(static_cast<std::uint8_t>(255 - 255 * x / width));
    }
  }
  return pictures;
}

}  // namespace

bool IsNorm(Method method, const Network& network) {
  if (method == Method::kOutput) return network.embedding_size() > 1;
  return method == Method::kNorm || method == Method::kPrunedNorm;
}

bool IsConstant(std::span<const double> norms) {
  if (norms.size() < 2) return false;
  const auto [least, most] = std::ranges::minmax(norms);
  return most > 0 && most - least < kConstantNorm * most;
}

bool HasConstantNorm(const engine::Twin& twin, const Network& network) {
  std::vector<std::vector<float>> inputs;
  for (const Image& picture : FixedPictures(network.input_width(), network.input_height())) {
    inputs.push_back(Preprocess(picture, network.preprocessing(), network.impl().channels));
  }
  std::vector<double> norms;
  for (const engine::TwinEmbedding& embedding : twin.Run(*twin.NewContext(), inputs)) {
    if (!embedding.failure.empty()) continue;
    const double norm = score::Norm(embedding.dense);
    if (std::isfinite(norm)) norms.push_back(norm);
  }
  return IsConstant(norms);
}

void CheckNorm(const engine::Twin& twin, const Network& network, Method method) {
  if (!HasConstantNorm(twin, network)) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: method {}: the output has the same length for all pictures, as of a network that "
                          "normalises its embedding, so its norm says nothing: take another method, or the network "
                          "without the normalisation",
                          Printable(network.path()), name(method)));
}

}  // namespace pipeline

bool Network::has_constant_norm() const {
  if (embedding_size() <= 1) return false;
  return pipeline::HasConstantNorm(*engine::Twin::Compile(impl_->graph, nullptr, ExecutorKind::kOneDnn), *this);
}

}  // namespace prefiqs
