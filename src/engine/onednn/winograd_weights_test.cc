#include "engine/onednn/winograd_weights.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "engine/compare_for_test.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// The layout a Winograd convolution wants its weights in; null where there is none of this shape here.
Desc Wanted(const dnnl::engine& engine, std::int64_t filters, std::int64_t channels, std::int64_t side) {
  const Desc source({1, channels, side, side}, Type::f32, Tag::any),
      target({1, filters, side, side}, Type::f32, Tag::any);
  const Desc weights({filters, channels, 3, 3}, Type::f32, Tag::any);
  const dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_winograd,
                                             source, weights, target, {1, 1}, {1, 1}, {1, 1});
  try {
    return dnnl::convolution_forward::primitive_desc(desc, engine).weights_desc();
  } catch (const dnnl::error&) {
    return {};
  }
}

TEST(TransformForWinograd, HasTheBitsOfOneDnns) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  std::set<int> layouts;
  std::mt19937 random(3);
  for (const std::int64_t filters : {16, 64, 80, 256}) {
    for (const std::int64_t channels : {16, 80, 256}) {
      for (const std::int64_t side : {7, 14, 56}) {
        const Desc to = Wanted(engine, filters, channels, side);
        if (to.data.format_kind != dnnl_format_kind_wino) continue;
        const Desc from({filters, channels, 3, 3}, Type::f32, Tag::abcd);
        std::vector<float> weights(static_cast<std::size_t>(filters * channels * 9));
        for (float& w : weights) w = random() % 4 == 0 ? -0.0f : static_cast<float>(random()) / 4294967296.0f - 0.5f;
        const std::size_t size = to.get_size() / sizeof(float);
        std::vector<float> expected(size, -7.0f);
        dnnl::memory source(from, engine, weights.data()), target(to, engine, expected.data());
        dnnl::reorder(source, target).execute(stream, source, target);
        stream.wait();
        for (const Vectors vectors : {Vectors::kBaseline, Vectors::kAvx512}) {  // layouts are of AVX-512's kernels
          std::vector<float> actual(size, -7.0f);
          ASSERT_TRUE(TransformForWinograd(from, to, weights.data(), actual.data(), vectors))
              << filters << " " << channels << " " << side;
          ExpectSameBits(actual, expected);
        }
        layouts.insert(to.data.format_desc.wino_desc.wino_format);
      }
    }
  }
  if (NewestVectors() != Vectors::kAvx512) GTEST_SKIP() << "no Winograd on this instruction set";
  EXPECT_EQ(layouts, (std::set<int>{dnnl_wino_wei_aaOio, dnnl_wino_wei_aaOBiOo, dnnl_wino_wei_OBaaIBOIio}));
}

TEST(TransformForWinograd, LeavesOtherLayoutsAlone) {
  const Desc plain({16, 16, 3, 3}, Type::f32, Tag::abcd), other({16, 16, 3, 3}, Type::f32, Tag::acdb);
  float number = 7;
  EXPECT_FALSE(TransformForWinograd(plain, other, &number, &number, Vectors::kBaseline));
  const Desc to = Wanted(dnnl::engine(dnnl::engine::kind::cpu, 0), 64, 64, 28);
  EXPECT_FALSE(TransformForWinograd(other, to, &number, &number, Vectors::kBaseline));
  EXPECT_EQ(number, 7);
}

}  // namespace
}  // namespace prefiqs::engine::onednn
