#include <prefiqs/bench.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "align/align.h"
#include "base/count.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/split_mix.h"
#include "bench/ceiling.h"
#include "bench/stopwatch.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"

namespace prefiqs {
namespace bench {
namespace {

// A quarter of the time for what the machine can do, the rest for what the stages do.
constexpr double kShareOfCeilings = 0.25;
// Of one stage; passes of the network and of the method are two, for each number of threads and batch.
constexpr int kStagesOnce = 2, kStagesOfPictures = 3;

// Each thread has products of its own, each picture of a batch its pixels: beyond these it is memory that is measured.
constexpr int kMostThreads = 1024, kMostPictures = 1 << 14;

void Check(const BenchOptions& options) {
  const auto within = [](const char* what, const std::vector<int>& numbers, int most) {
    if (numbers.empty()) throw Error(ErrorCode::kUsage, fmt::format("bench: {}: none is given", what));
    for (const int number : numbers) {
      if (number >= 1 && number <= most) continue;
      throw Error(ErrorCode::kUsage, fmt::format("bench: {}: {} is not between 1 and {}", what, number, most));
    }
  };
  within("threads", options.threads, kMostThreads);
  within("batch", options.batches, kMostPictures);
  if (!(options.seconds > 0)) {
    throw Error(ErrorCode::kUsage, fmt::format("bench: {} seconds are no time to measure in", options.seconds));
  }
}

Image Noise(int width, int height) {
  Image image{width, height, {}};
  image.rgb.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int i = 0; i < width * height * 3; ++i) {
    image.rgb.push_back(static_cast<std::uint8_t>(SplitMix64(static_cast<std::uint64_t>(i)) >> 56));
  }
  return image;
}

class Bench {
 public:
  explicit Bench(const BenchOptions& options) : options_(options), limits_(options.limits), network_(Load()) {
    limits_.whole_jpeg_pixels = std::numeric_limits<std::int64_t>::max();
  }

  BenchReport Run() {
    report_.network = network_.content_hash();
    report_.precision = prefiqs::name(options_.assessor.precision);
    report_.work = count_work(network_, options_.assessor);
    Say("what the machine can do");
    report_.ceilings = MeasureCeilings(options_.threads, options_.seconds * kShareOfCeilings);
    Once();
    Pictures();
    Passes();
    return std::move(report_);
  }

 private:
  Network Load() const { return Network::load(options_.model, options_.network); }

  void Say(const std::string& stage) const {
    if (options_.on_stage) options_.on_stage(stage);
  }

  // Seconds for one stage.
  double Share() const {
    const auto combinations = static_cast<double>(options_.threads.size() * options_.batches.size());
    const double stages =
        kStagesOnce + 2 * combinations + 1 +
        (options_.pictures.empty() ? 0 : kStagesOfPictures + static_cast<double>(options_.threads.size()));
    return options_.seconds * (1 - kShareOfCeilings) / stages;
  }

  // `pictures`: as many as a run of the work takes. `work`: multiply-adds of one.
  BenchStage& Add(std::string name, const Times& times, std::size_t pictures, int threads = 1, int batch = 1,
                  std::optional<std::int64_t> work = std::nullopt) {
    BenchStage& stage = report_.stages.emplace_back();
    stage.name = std::move(name);
    stage.threads = threads;
    stage.batch = batch;
    const auto milliseconds = [&](double part) { return 1000 * times.Quantile(part) / static_cast<double>(pictures); };
    stage.milliseconds = milliseconds(0.5);
    stage.lower_quartile = milliseconds(0.25);
    stage.upper_quartile = milliseconds(0.75);
    stage.runs = static_cast<int>(times.seconds.size());
    stage.images_a_second = 1000 / stage.milliseconds;
    if (!work) return stage;
    stage.gigaflops = 2.0 * static_cast<double>(*work) * stage.images_a_second / 1e9;
    for (const BenchCeiling& ceiling : report_.ceilings) {
      if (ceiling.precision == report_.precision && ceiling.threads == threads) {
        stage.of_ceiling = stage.gigaflops / ceiling.gigaflops;
      }
    }
    return stage;
  }

  void Stage(const std::string& name, std::size_t pictures, const std::function<void()>& work) {
    Say(name);
    Add(name, Measure({&work, 1}, Share())[0], pictures);
  }

  // What is paid once for a network.
  void Once() {
    Stage("load", 1, [&] { (void)Load(); });
    const bool pruned = prunes(options_.assessor.method);
    Stage(pruned ? "prune and compile" : "compile", 1, [&] { (void)Assessor(network_, options_.assessor); });
  }

  // From files to crops. Without any, crops of noise.
  void Pictures() {
    const int width = network_.input_width(), height = network_.input_height();
    if (options_.pictures.empty()) {
      report_.notes.push_back("no picture is named: passes see noise, and nothing is decoded, searched or aligned");
      crops_.push_back(Noise(width, height));
    } else {
      std::vector<Image> pictures;
      for (const std::string& path : options_.pictures) {
        DecodedImage decoded = Image::open(path, limits_);
        if (decoded.status != Status::kOk) {
          throw Error(ErrorCode::kIo,
                      fmt::format("{}: {}: {}", Printable(path), info(decoded.status).text, decoded.detail));
        }
        pictures.push_back(std::move(decoded.image));
      }
      Stage("decode", pictures.size(), [&] {
        for (const std::string& path : options_.pictures) (void)Image::open(path, limits_);
      });
      if (options_.assessor.detector) {
        Search(pictures);
      } else {
        Fit(pictures);
      }
    }
    std::vector<float> ignored;
    Stage("preprocess", crops_.size(), [&] {
      for (const Image& crop : crops_)
        ignored = pipeline::Preprocess(crop, network_.preprocessing(), network_.impl().channels);
    });
  }

  void Search(const std::vector<Image>& pictures) {
    const Detector& detector = *options_.assessor.detector;
    std::vector<std::optional<Face>> faces(pictures.size());
    Stage("detect", pictures.size(), [&] {
      for (std::size_t i = 0; i < pictures.size(); ++i) {
        const std::vector<Face> found = detector.detect(pictures[i]);
        if (!found.empty()) faces[i] = found.front();
      }
    });
    const auto align = [&] {
      std::vector<Image> crops;
      for (std::size_t i = 0; i < pictures.size(); ++i) {
        if (!faces[i]) continue;
        std::optional<Image> crop = align::AlignFace(pictures[i], faces[i]->landmarks, network_.input_width(),
                                                     network_.input_height(), network_.preprocessing().crop_template);
        if (crop) crops.push_back(std::move(*crop));
      }
      return crops;
    };
    crops_ = align();
    if (crops_.empty()) throw Error(ErrorCode::kUsage, "bench: no face was found in any of the pictures");
    if (crops_.size() < pictures.size()) {
      report_.notes.push_back(
          fmt::format("no face in {} of {}", pictures.size() - crops_.size(), Count(pictures.size(), "picture")));
    }
    Stage("align", crops_.size(), [&] { (void)align(); });
  }

  void Fit(const std::vector<Image>& pictures) {
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      std::optional<Image> crop = align::FitCrop(pictures[i], network_.input_width(), network_.input_height());
      if (!crop) {
        throw Error(
            ErrorCode::kUsage,
            fmt::format("{}: is {}×{}, no aligned crop for a network that takes {}×{}", Printable(options_.pictures[i]),
                        pictures[i].width, pictures[i].height, network_.input_width(), network_.input_height()));
      }
      crops_.push_back(std::move(*crop));
    }
    report_.notes.push_back("pictures are aligned crops: nothing is searched or aligned");
  }

  void Passes() {
    for (const int threads : options_.threads) {
      {
        AssessorOptions options = options_.assessor;
        options.threads = threads;
        // Crops are given as such, and a pass is one of the network alone.
        options.detector.reset();
        options.guarded = false;
        const Assessor method(network_, options);
        if (prunes(options.method)) report_.recipe = method.recipe().name();
        report_.instruction_set = method.instruction_set();
        options.method = Plain();
        const Assessor dense = options_.assessor.method == Plain() ? method : Assessor(network_, options);
        for (const int batch : options_.batches) Pass(dense, method, threads, batch);
      }
      if (!options_.pictures.empty()) WholePicture(threads);
    }
  }

  // A pass of the whole network, and nothing else.
  Method Plain() const { return network_.tells_quality() ? Method::kOutput : Method::kEmbedding; }

  void Pass(const Assessor& dense, const Assessor& method, int threads, int batch) {
    std::vector<Image> images;
    for (int i = 0; i < batch; ++i) images.push_back(crops_[static_cast<std::size_t>(i) % crops_.size()]);
    const auto pass = [&](const Assessor& assessor) {
      for (const Assessment& a : assessor.assess(images)) {
        if (a.status == Status::kOk) continue;
        throw Error(ErrorCode::kUsage, fmt::format("bench: a crop got no score: {} {}", info(a.status).text, a.detail));
      }
    };
    const std::string name = fmt::format("{} pass", prefiqs::name(options_.assessor.method));
    const bool both = options_.assessor.method != Plain();
    Say(fmt::format("{}, {}, batch {}", both ? "dense and " + name : "dense pass", Count(threads, "thread"), batch));
    std::vector<std::function<void()>> works{[&] { pass(dense); }};
    if (both) works.emplace_back([&] { pass(method); });
    const std::vector<Times> times = Measure(works, Share() * static_cast<double>(works.size()));
    const auto size = static_cast<std::size_t>(batch);
    Add("dense pass", times[0], size, threads, batch, report_.work.dense);
    if (both) Add(name, times[1], size, threads, batch, report_.work.method);
  }

  // From files to scores, pictures side by side.
  void WholePicture(int threads) {
    const Assessor assessor(network_, options_.assessor);
    // As many as keep all threads busy to the end, in whole rounds.
    const std::size_t count = options_.pictures.size() * static_cast<std::size_t>(threads);
    Say(fmt::format("whole picture, {}", Count(threads, "thread")));
    const std::function<void()> work = [&] {
      ParallelFor(count, threads, [&](std::size_t i) {
        (void)assessor.assess(Image::open(options_.pictures[i % options_.pictures.size()], limits_));
      });
    };
    Add("whole picture", Measure({&work, 1}, Share())[0], count, threads);
  }

  const BenchOptions& options_;
  ImageLimits limits_;
  Network network_;
  std::vector<Image> crops_;
  BenchReport report_;
};

}  // namespace
}  // namespace bench

BenchReport run_bench(const BenchOptions& options) {
  bench::Check(options);
  return bench::Bench(options).Run();
}

}  // namespace prefiqs
