#include "ops/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Window Resolve(Attributes attributes, const graph::Shape& input, Int64s kernel) {
  graph::Node node;
  node.name = "n";
  node.op = "MaxPool";
  node.attributes = std::move(attributes);
  return ResolveWindow(node, input, std::move(kernel));
}

std::string Refusal(Attributes attributes, const graph::Shape& input, Int64s kernel) {
  return ModelError([&] { Resolve(std::move(attributes), input, std::move(kernel)); });
}

TEST(Window, Defaults) {
  const Window window = Resolve({}, {1, 3, 5, 7}, {3, 2});
  EXPECT_THAT(window.strides, ElementsAre(1, 1));
  EXPECT_THAT(window.dilations, ElementsAre(1, 1));
  EXPECT_THAT(window.pads_begin, ElementsAre(0, 0));
  EXPECT_THAT(window.output, ElementsAre(3, 6));
}

TEST(Window, PadsStridesAndDilations) {
  const Window window = Resolve({{"pads", Int64s{1, 0, 2, 3}}, {"strides", Int64s{2, 3}}, {"dilations", Int64s{2, 1}}},
                                {1, 3, 8, 8}, {3, 3});
  EXPECT_THAT(window.pads_begin, ElementsAre(1, 0));
  EXPECT_THAT(window.pads_end, ElementsAre(2, 3));
  EXPECT_THAT(window.output, ElementsAre((8 + 3 - 5) / 2 + 1, (8 + 3 - 3) / 3 + 1));
}

TEST(Window, SamePutsTheOddPadAtTheEndOrTheBegin) {
  const Window upper = Resolve({{"auto_pad", "SAME_UPPER"}, {"strides", Int64s{2}}}, {1, 1, 6}, {3});
  EXPECT_THAT(upper.output, ElementsAre(3));
  EXPECT_THAT(upper.pads_begin, ElementsAre(0));
  EXPECT_THAT(upper.pads_end, ElementsAre(1));
  const Window lower = Resolve({{"auto_pad", "SAME_LOWER"}, {"strides", Int64s{2}}}, {1, 1, 6}, {3});
  EXPECT_THAT(lower.pads_begin, ElementsAre(1));
  EXPECT_THAT(lower.pads_end, ElementsAre(0));
}

TEST(Window, SameCountsDilationsAndNeverPadsNegatively) {
  const Window dilated = Resolve({{"auto_pad", "SAME_UPPER"}, {"dilations", Int64s{2}}}, {1, 1, 5}, {3});
  EXPECT_THAT(dilated.pads_begin, ElementsAre(2));
  EXPECT_THAT(dilated.pads_end, ElementsAre(2));
  EXPECT_THAT(dilated.output, ElementsAre(5));
  const Window sparse = Resolve({{"auto_pad", "SAME_UPPER"}, {"strides", Int64s{4}}}, {1, 1, 8}, {1});
  EXPECT_THAT(sparse.pads_end, ElementsAre(0));
  EXPECT_THAT(sparse.output, ElementsAre(2));
}

TEST(Window, CeilModeAddsAWindowThatStartsInTheInput) {
  EXPECT_THAT(Resolve({{"strides", Int64s{2}}}, {1, 1, 4}, {3}).output, ElementsAre(1));
  EXPECT_THAT(Resolve({{"strides", Int64s{2}}, {"ceil_mode", std::int64_t{1}}}, {1, 1, 4}, {3}).output, ElementsAre(2));
  // A third window would start at 4, in the padding: PyTorch and ONNX drop it.
  EXPECT_THAT(
      Resolve({{"strides", Int64s{5}}, {"pads", Int64s{1, 1}}, {"ceil_mode", std::int64_t{1}}}, {1, 1, 4}, {2}).output,
      ElementsAre(1));
  EXPECT_THAT(
      Resolve({{"strides", Int64s{4}}, {"pads", Int64s{1, 1}}, {"ceil_mode", std::int64_t{1}}}, {1, 1, 4}, {3}).output,
      ElementsAre(2));
}

TEST(Window, PadsMayRepeatWhatAutoPadSays) {
  EXPECT_THAT(Resolve({{"auto_pad", "SAME_UPPER"}, {"pads", Int64s{1, 1}}}, {1, 1, 5}, {3}).output, ElementsAre(5));
  EXPECT_THAT(Resolve({{"auto_pad", "VALID"}, {"pads", Int64s{0, 0}}}, {1, 1, 5}, {3}).output, ElementsAre(3));
  EXPECT_EQ(Refusal({{"auto_pad", "VALID"}, {"pads", Int64s{1, 1}}}, {1, 1, 5}, {3}),
            "node 'n' (MaxPool): pads and auto_pad VALID disagree; export the network with one of them");
}

TEST(Window, RefusesWhatDoesNotFit) {
  EXPECT_THAT(Refusal({}, {1, 1, 2}, {3}), HasSubstr("a window of 3 does not fit an input of 2"));
  EXPECT_THAT(Refusal({}, {1, 1, 2}, {3, 3}), HasSubstr("the kernel: 2 values in place of 1"));
  EXPECT_THAT(Refusal({}, {1, 1}, {}), HasSubstr("the input is 1x1"));
  EXPECT_THAT(Refusal({}, {1, 1, 2, 2, 2, 2}, {1, 1, 1, 1}), HasSubstr("one to three spatial dimensions"));
  EXPECT_THAT(Refusal({}, {1, 1, 0}, {1}), HasSubstr("empty"));
  EXPECT_THAT(Refusal({}, {1, 1, 2}, {0}), HasSubstr("the kernel holds 0"));
  EXPECT_THAT(Refusal({{"strides", Int64s{0}}}, {1, 1, 2}, {1}), HasSubstr("strides holds 0"));
  EXPECT_THAT(Refusal({{"dilations", Int64s{-1}}}, {1, 1, 2}, {1}), HasSubstr("dilations holds -1"));
  EXPECT_THAT(Refusal({{"pads", Int64s{0, -1}}}, {1, 1, 2}, {1}), HasSubstr("pads holds -1"));
  EXPECT_THAT(Refusal({{"pads", Int64s{0}}}, {1, 1, 2}, {1}), HasSubstr("pads: 1 value in place of 2"));
  EXPECT_THAT(Refusal({{"auto_pad", "SOME"}}, {1, 1, 2}, {1}), HasSubstr("auto_pad 'SOME' is unknown"));
  EXPECT_THAT(Refusal({{"auto_pad", "VALID"}, {"ceil_mode", std::int64_t{1}}, {"strides", Int64s{2}}}, {1, 1, 4}, {3}),
              HasSubstr("no agreed meaning"));
}

TEST(Window, HostileSizesDoNotOverflow) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  EXPECT_THAT(Refusal({{"pads", Int64s{kHuge, kHuge}}}, {1, 1, 2}, {1}), HasSubstr("out of range"));
  EXPECT_THAT(Refusal({{"dilations", Int64s{kMost}}}, {1, 1, std::int64_t{1} << 40}, {kMost}),
              HasSubstr("does not fit"));
  EXPECT_THAT(
      Resolve({{"strides", Int64s{kMost}}, {"pads", Int64s{kMost, kMost}}}, {1, 1, std::int64_t{1} << 40}, {1}).output,
      ElementsAre(515));
}

TEST(Window, TapsInside) {
  const auto brute = [](std::int64_t start, std::int64_t step, std::int64_t count, std::int64_t size) {
    std::int64_t inside = 0;
    for (std::int64_t j = 0; j < count; ++j) inside += start + j * step >= 0 && start + j * step < size;
    return inside;
  };
  for (std::int64_t start = -9; start < 9; ++start) {
    for (std::int64_t step = 1; step < 5; ++step) {
      for (std::int64_t count = 0; count < 5; ++count) {
        for (std::int64_t size = 1; size < 6; ++size) {
          const Taps taps = TapsInside(start, step, count, size);
          ASSERT_EQ(taps.last - taps.first, brute(start, step, count, size)) << start << ' ' << step << ' ' << count;
          for (std::int64_t j = taps.first; j < taps.last; ++j) {
            ASSERT_TRUE(j < count && start + j * step >= 0 && start + j * step < size);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace prefiqs::ops
