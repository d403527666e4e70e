// Our kernels by themselves, each beside what it replaces or what bounds it, on the shapes of iResNet.
//
//   kernels_bench [Google Benchmark's options]
//
// One thread; random numbers; no padding, reordering or planning in the time. oneDNN's Winograd is given weights that
// are transformed already, as it wants them; ours transforms them in every run. `mac/s` are multiply-adds of the plain
// convolution, also where Winograd's does fewer; `bytes/s` what is read and written once. A kernel that the processor
// lacks is not registered.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/block.h"
#include "engine/channelwise.h"
#include "engine/one_thread.h"
#include "engine/onednn/plan.h"
#include "engine/onednn/tile_operands.h"
#include "engine/tile_product.h"
#include "engine/tiles.h"
#include "engine/winograd.h"

namespace {

using namespace prefiqs;
using engine::ChannelFunction;
using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// Lies as what a plan allots does: at the start of a line of the cache.
template <typename Number>
class Buffer {
 public:
  explicit Buffer(std::int64_t count)
      : size_(static_cast<std::size_t>(count)), block_(std::make_shared<Block>(AllocateBlock(size_ * sizeof(Number)))) {
    std::fill_n(data(), size_, Number{});
  }
  Number* data() const { return reinterpret_cast<Number*>(block_->get()); }
  Number* at(std::int64_t i) const { return data() + i; }
  std::span<Number> span() const { return {data(), size_}; }

 private:
  std::size_t size_;
  std::shared_ptr<Block> block_;  // copies share it
};

void Fill(std::span<float> values) {
  static std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float& value : values) value = normal(random);
}

void Fill(std::span<std::uint16_t> values) {
  std::vector<float> exact(values.size());
  Fill(exact);
  std::transform(exact.begin(), exact.end(), values.begin(), [](float value) {
    return static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, value) >> 16);
  });
}

template <typename Number>
Buffer<Number> Random(std::int64_t count) {
  const Buffer<Number> buffer(count);
  Fill(buffer.span());
  return buffer;
}

void Register(const std::string& name, const char* unit, std::int64_t amount, std::function<void()> work) {
  if (!work) return;
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 for (auto _ : state) work();
                                 state.counters[unit] = benchmark::Counter(
                                     static_cast<double>(amount), benchmark::Counter::kIsIterationInvariantRate);
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

// 3×3, one pixel from window to window, as many filters as channels.
struct Layer {
  std::int64_t side, channels;

  std::int64_t values() const { return side * side * channels; }
  std::int64_t weights() const { return channels * channels * 9; }
  std::int64_t multiply_adds() const { return values() * channels * 9; }
};

dnnl::memory Filled(const dnnl::memory::desc& desc, const dnnl::engine& device) {
  dnnl::memory memory(desc, device);
  const auto fill = [&]<typename Number>(Number* data) { Fill(std::span(data, desc.get_size() / sizeof(Number))); };
  if (engine::onednn::TypeOf(desc) == Type::bf16) {
    fill(static_cast<std::uint16_t*>(memory.get_data_handle()));
  } else {
    fill(static_cast<float*>(memory.get_data_handle()));
  }
  return memory;
}

// A primitive of oneDNN with operands of its own, in the layouts that it wants; nothing where it has none.
template <typename Primitive, typename Describe>
std::function<void()> Run(const Describe& describe) {
  const dnnl::engine device(dnnl::engine::kind::cpu, 0);
  typename Primitive::primitive_desc form;
  try {
    form = describe(device);
  } catch (const dnnl::error&) {
    return {};
  }
  const std::unordered_map<int, dnnl::memory> operands = {{DNNL_ARG_SRC, Filled(form.src_desc(), device)},
                                                          {DNNL_ARG_WEIGHTS, Filled(form.weights_desc(), device)},
                                                          {DNNL_ARG_DST, Filled(form.dst_desc(), device)}};
  return [=, operation = Primitive(form), stream = dnnl::stream(device)]() mutable {
    operation.execute(stream, operands);
    stream.wait();
  };
}

dnnl::memory::desc Any(const dnnl::memory::dims& dims, Type type) { return {dims, type, Tag::any}; }

std::function<void()> Convolution(const Layer& layer, std::int64_t faces, Type type, dnnl::algorithm algorithm) {
  const dnnl::memory::dims image = {faces, layer.channels, layer.side, layer.side};
  const dnnl::memory::dims weights = {layer.channels, layer.channels, 3, 3}, ones = {1, 1};
  return Run<dnnl::convolution_forward>([&](const dnnl::engine& device) {
    return engine::onednn::DescribeConvolution(device, algorithm, Any(image, type), Any(weights, type), nullptr,
                                               Any(image, Type::f32), {ones, {0, 0}, ones, ones});
  });
}

std::function<void()> Winograd(const Layer& layer, std::int64_t faces) {
  const engine::WinogradShape shape{layer.side, layer.side, layer.channels, layer.channels};
  const auto count = static_cast<std::size_t>(faces);
  const auto x = Random<float>(faces * layer.values()), weights = Random<float>(layer.weights());
  const Buffer<float> y(faces * layer.values());
  const Buffer<float> scratch(static_cast<std::int64_t>(engine::WinogradScratch(shape, count)));
  return [=] {
    std::vector<engine::WinogradImage> images;
    for (std::int64_t i = 0; i < faces; ++i) {
      images.push_back({x.at(i * layer.values()), nullptr, y.at(i * layer.values())});
    }
    engine::RunWinograd(shape, images, weights.data(), nullptr, scratch.span(), engine::onednn::NewestVectors());
  };
}

std::function<void()> Tiles(const Layer& layer, std::int64_t faces) {
  const engine::TileShape shape{{layer.side, layer.side, layer.channels}, layer.channels};
  const auto size = static_cast<std::int64_t>(shape.x.size());
  const ChannelFunction function = ChannelFunction::Identity(static_cast<std::size_t>(layer.channels));
  const engine::ChannelRows rows{1, 1, layer.side * layer.side, layer.channels};
  const Buffer<std::uint16_t> pictures(faces * size);
  for (std::int64_t i = 0; i < faces; ++i) {
    const auto pixels = Random<float>(layer.values());
    engine::RunToTiles(function, {rows, engine::ChannelForm::kFloat, layer.side, 1}, pixels.data(), shape.x,
                       pictures.at(i * size));
  }
  const auto weights = Random<std::uint16_t>(layer.weights());
  const Buffer<float> y(faces * layer.values());
  return [=] {
    std::vector<engine::TileImage> images;
    for (std::int64_t i = 0; i < faces; ++i) {
      images.push_back({pictures.at(i * size), nullptr, y.at(i * layer.values())});
    }
    engine::RunTiles(shape, images, weights.data(), function, engine::TileResult::kFloat);
  };
}

// Without, oneDNN has loops.
bool HasBf16() { return engine::onednn::HasIsa(dnnl::cpu_isa::avx512_core_bf16); }

void RegisterConvolutions() {
  for (const Layer layer : {Layer{112, 64}, {56, 64}, {28, 128}, {14, 256}, {7, 512}}) {
    for (const std::int64_t faces : {1, 8}) {
      const std::int64_t amount = faces * layer.multiply_adds();
      const auto name = [&](const char* kernel) {
        return fmt::format("conv3x3/{0}x{0}x{1}/faces:{2}/{3}", layer.side, layer.channels, faces, kernel);
      };
      const auto onednn = [&](const char* kernel, Type type, dnnl::algorithm algorithm) {
        Register(name(kernel), "mac/s", amount, Convolution(layer, faces, type, algorithm));
      };
      onednn("fp32/onednn_direct", Type::f32, dnnl::algorithm::convolution_direct);
      onednn("fp32/onednn_winograd", Type::f32, dnnl::algorithm::convolution_winograd);
      if (HasBf16()) onednn("bf16/onednn_direct", Type::bf16, dnnl::algorithm::convolution_direct);
      if (engine::HasWinograd(engine::onednn::NewestVectors())) {
        Register(name("fp32/winograd"), "mac/s", amount, Winograd(layer, faces));
      }
      if (engine::onednn::UsesTiles()) Register(name("bf16/tiles"), "mac/s", amount, Tiles(layer, faces));
    }
  }
}

std::function<void()> InnerProduct(const engine::TileMatrix& matrix, std::int64_t faces) {
  return Run<dnnl::inner_product_forward>([&](const dnnl::engine& device) {
    return engine::onednn::DescribeInnerProduct(device, Any({faces, matrix.depth}, Type::bf16),
                                                Any({matrix.results, matrix.depth}, Type::bf16), nullptr,
                                                Any({faces, matrix.results}, Type::f32));
  });
}

std::function<void()> TileProduct(const engine::TileMatrix& matrix, std::int64_t faces) {
  const auto x = Random<std::uint16_t>(faces * matrix.depth);
  const auto weights = Random<std::uint16_t>(matrix.depth * matrix.results);
  const Buffer<float> y(faces * matrix.results);
  const auto numbers = engine::TileProductScratch(matrix, static_cast<std::size_t>(faces));
  const Buffer<std::uint16_t> scratch(static_cast<std::int64_t>(numbers));
  return [=] {
    std::vector<engine::TileRow> rows;
    for (std::int64_t i = 0; i < faces; ++i) rows.push_back({x.at(i * matrix.depth), y.at(i * matrix.results)});
    engine::RunTileProduct(matrix, rows, weights.data(), nullptr, scratch.span());
  };
}

// The last matrix of iResNet.
void RegisterProducts() {
  const engine::TileMatrix matrix{512 * 7 * 7, 512};
  for (const std::int64_t faces : {1, 8, 16}) {
    const std::int64_t amount = faces * matrix.depth * matrix.results;
    const auto name = [&](const char* kernel) { return fmt::format("product/faces:{}/bf16/{}", faces, kernel); };
    if (HasBf16()) Register(name("onednn"), "mac/s", amount, InnerProduct(matrix, faces));
    if (engine::onednn::UsesTiles()) Register(name("tiles"), "mac/s", amount, TileProduct(matrix, faces));
  }
}

// Beside a plain copy, which is what memory allows.
void RegisterChannelwise() {
  for (const Layer layer : {Layer{112, 64}, {28, 128}, {7, 512}}) {
    const auto x = Random<float>(layer.values());
    const Buffer<float> y(layer.values());
    const auto bytes = 2 * layer.values() * static_cast<std::int64_t>(sizeof(float));
    const auto add = [&](const std::string& kernel, std::function<void()> work) {
      const auto name = fmt::format("channelwise/{0}x{0}x{1}/fp32/{2}", layer.side, layer.channels, kernel);
      Register(name, "bytes/s", bytes, std::move(work));
    };
    const ChannelFunction function = ChannelFunction::Identity(static_cast<std::size_t>(layer.channels));
    // oneDNN's layouts for AVX2 and for AVX-512, and channels last.
    for (const std::int64_t width : {std::int64_t{8}, std::int64_t{16}, layer.channels}) {
      const engine::ChannelRows rows{1, layer.channels / width, layer.side * layer.side, width};
      add(width == layer.channels ? "channels_last" : fmt::format("blocks_of_{}", width), [=] {
        engine::RunChannelwise(function, rows, engine::ChannelForm::kFloat, engine::ChannelForm::kFloat, x.data(),
                               y.data(), engine::onednn::NewestVectors());
      });
    }
    add("copy", [=] { std::copy_n(x.data(), x.span().size(), y.data()); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const engine::OneThread one_thread;
  RegisterConvolutions();
  RegisterProducts();
  RegisterChannelwise();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
