#include "bench/ceiling.h"

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include "bench/stopwatch.h"
#include "engine/one_thread.h"
#include "engine/onednn/plan.h"

namespace prefiqs::bench {
namespace {

using dnnl::memory;

// Of a matrix product: 3 × 1 MiB of float32 fit into the second-level cache of a core that has one worth measuring.
constexpr std::int64_t kSide = 512;
// A middle layer of the field's large networks, four pictures at a time.
constexpr std::int64_t kPictures = 4, kChannels = 128, kMap = 28, kKernel = 3;
// Source and target together 128 MiB: more than most third-level caches hold, and little enough for a small container.
constexpr std::size_t kCopiedBytes = std::size_t{64} << 20;

memory::data_type TypeOf(Factors factors) {
  return factors == Factors::kFloat32 ? memory::data_type::f32 : memory::data_type::bf16;
}

// A primitive, its operands, and what it computes.
struct Product {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  double operations = 0;

  // With values of ordinary size: products of zeros and of denormal numbers take other times.
  void Add(int argument, const memory::desc& desc) {
    const memory operand(desc, engine);
    const std::size_t bytes = desc.get_size();
    // The same two bytes throughout are 1.0 in bfloat16, and 1.0 and a little in float32.
    const std::uint16_t one = 0x3f80;
    auto* const data = static_cast<std::byte*>(operand.get_data_handle());
    for (std::size_t i = 0; i + sizeof one <= bytes; i += sizeof one) std::memcpy(data + i, &one, sizeof one);
    arguments.insert_or_assign(argument, operand);
  }
  void Run() {
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

std::unique_ptr<Product> MatrixProduct(Factors factors) {
  auto product = std::make_unique<Product>();
  const memory::desc side({kSide, kSide}, TypeOf(factors), memory::format_tag::any);
  const memory::desc sums({kSide, kSide}, memory::data_type::f32, memory::format_tag::any);
  const auto desc = engine::onednn::DescribeProduct(product->engine, side, side, sums);
  product->Add(DNNL_ARG_SRC, desc.src_desc());
  product->Add(DNNL_ARG_WEIGHTS, desc.weights_desc());
  product->Add(DNNL_ARG_DST, desc.dst_desc());
  product->primitive = dnnl::matmul(desc);
  product->operations = 2.0 * kSide * kSide * kSide;
  return product;
}

std::unique_ptr<Product> Convolution(Factors factors) {
  auto product = std::make_unique<Product>();
  const memory::dims map{kPictures, kChannels, kMap, kMap}, pad{kKernel / 2, kKernel / 2};
  const memory::desc pictures(map, TypeOf(factors), memory::format_tag::any);
  const memory::desc weights({kChannels, kChannels, kKernel, kKernel}, TypeOf(factors), memory::format_tag::any);
  const auto desc = engine::onednn::DescribeConvolution(product->engine, dnnl::algorithm::convolution_direct, pictures,
                                                        weights, nullptr, pictures, {{1, 1}, {0, 0}, pad, pad});
  product->Add(DNNL_ARG_SRC, desc.src_desc());
  product->Add(DNNL_ARG_WEIGHTS, desc.weights_desc());
  product->Add(DNNL_ARG_DST, desc.dst_desc());
  product->primitive = dnnl::convolution_forward(desc);
  product->operations = 2.0 * kPictures * kChannels * kMap * kMap * kChannels * kKernel * kKernel;
  return product;
}

using Work = std::function<void()>;

// Works on threads of their own, the first on the calling one, each run as soon as the last is through. The shortest
// time in which all were through, of runs for about `budget` seconds; the first ones warm up.
double BestSeconds(const std::vector<Work>& works, double budget) {
  bool more = true;
  double best = std::numeric_limits<double>::infinity();
  std::size_t rounds = 0;
  const Clock::time_point start = Clock::now();
  Clock::time_point begun;
  std::mutex mutex;
  std::exception_ptr error;
  // Runs in one thread while the others wait.
  const auto between = [&]() noexcept {
    if (rounds > 1) best = std::min(best, SecondsSince(begun));
    more = !error && (rounds <= kFewestRuns || SecondsSince(start) < budget);
    ++rounds;
    begun = Clock::now();
  };
  std::barrier line(static_cast<std::ptrdiff_t>(works.size()), between);
  const auto loop = [&](const Work& work) {
    const engine::OneThread one_thread;
    for (;;) {
      line.arrive_and_wait();
      if (!more) return;
      try {
        work();
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
      }
    }
  };
  // Nobody begins to wait for threads that cannot be had.
  std::promise<bool> all_there;
  const std::shared_future<bool> begin = all_there.get_future().share();
  std::vector<std::jthread> others;
  try {
    for (std::size_t t = 1; t < works.size(); ++t) {
      others.emplace_back([&, t] {
        if (begin.get()) loop(works[t]);
      });
    }
  } catch (...) {
    all_there.set_value(false);
    throw;
  }
  all_there.set_value(true);
  loop(works[0]);
  others.clear();
  if (error) std::rethrow_exception(error);
  return best;
}

}  // namespace

std::string_view Name(Factors factors) { return factors == Factors::kFloat32 ? "fp32" : "bf16"; }

bool Multiplies(Factors factors) {
  if (factors == Factors::kFloat32) return true;
  return engine::onednn::HasIsa(dnnl::cpu_isa::avx512_core_bf16);
}

double MeasureGigaflops(Factors factors, int threads, double seconds) {
  double best = 0;
  for (const auto make : {MatrixProduct, Convolution}) {
    std::vector<std::unique_ptr<Product>> products;
    std::vector<Work> works;
    {
      const engine::OneThread one_thread;
      for (int t = 0; t < threads; ++t) {
        products.push_back(make(factors));
        works.push_back([product = products.back().get()] { product->Run(); });
      }
    }
    const double time = BestSeconds(works, seconds / 2);
    best = std::max(best, threads * products[0]->operations / time / 1e9);
  }
  return best;
}

double MeasureCopiedGigabytes(int threads, double seconds) {
  const std::size_t bytes = kCopiedBytes / static_cast<std::size_t>(threads);
  std::vector<std::vector<char>> from, to;
  std::vector<Work> works;
  for (int t = 0; t < threads; ++t) {
    from.emplace_back(bytes, 1);
    to.emplace_back(bytes, 2);
    // Buffers stay where they are when the vectors of them grow.
    works.push_back(
        [source = from.back().data(), target = to.back().data(), bytes] { std::memcpy(target, source, bytes); });
  }
  return static_cast<double>(bytes) * threads / BestSeconds(works, seconds) / 1e9;
}

std::vector<BenchCeiling> MeasureCeilings(const std::vector<int>& threads, double seconds) {
  std::vector<Factors> factors{Factors::kFloat32};
  if (Multiplies(Factors::kBFloat16)) factors.push_back(Factors::kBFloat16);
  const double share = seconds / static_cast<double>(threads.size() * (factors.size() + 1));
  std::vector<BenchCeiling> ceilings;
  for (const int count : threads) {
    const double copied = MeasureCopiedGigabytes(count, share);
    for (const Factors f : factors) {
      ceilings.push_back({std::string(Name(f)), count, MeasureGigaflops(f, count, share), copied});
    }
  }
  return ceilings;
}

}  // namespace prefiqs::bench
