#include "cli/evaluate_pictures.h"

#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"

namespace prefiqs::cli {
namespace {

constexpr std::string_view kNetworkMethod = "onnx:";

// A quality by its name: which run's rows have it, in which column.
struct KnownMethod {
  std::string_view name;
  std::optional<Method> run;  // unset: any of the assessing network
  const char* column;
};
constexpr std::array<KnownMethod, 8> kMethods{{{"drift", Method::kDrift, "quality"},
                                               {"pruned-norm", Method::kDrift, "pruned_norm"},
                                               {"jvp", Method::kJvp, "quality"},
                                               {"stochastic", Method::kStochastic, "quality"},
                                               {"norm", std::nullopt, "embedding_norm"},
                                               {"confidence", std::nullopt, "confidence"},
                                               {"sharpness", std::nullopt, "sharpness"},
                                               {"uniformity", std::nullopt, "uniformity"}}};

// What is compared where nothing is asked for: all of one pass of the network and its pruned copy.
const std::vector<std::string> kUsualMethods{"drift", "norm", "pruned-norm"};

// "FILE:PRESET"; a colon of a file's name is not a preset's.
NetworkArguments WithPreset(const std::string& text, const NetworkArguments& others) {
  NetworkArguments network = others;
  network.model = text;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return network;
  network.model = text.substr(0, colon);
  network.preset = text.substr(colon + 1);
  network.channels = network.mean = network.scale = {};
  return network;
}

struct Asked {
  std::string name;
  const KnownMethod* known = nullptr;
  std::string file;  // where none is known: of a network that tells a quality
};

Asked ParseMethod(const std::string& text) {
  Asked asked;
  std::string method = text;
  if (const std::size_t equals = text.find('='); equals < text.find(':')) {  // not of a file's name
    asked.name = text.substr(0, equals);
    method = text.substr(equals + 1);
  }
  if (method.starts_with(kNetworkMethod) && method.size() > kNetworkMethod.size()) {
    asked.file = method.substr(kNetworkMethod.size());
    if (asked.name.empty()) asked.name = std::filesystem::path(asked.file).stem().string();
    return asked;
  }
  std::string names;
  for (const KnownMethod& known : kMethods) {
    if (known.name == method) asked.known = &known;
    names += fmt::format("{}, ", known.name);
  }
  if (asked.known == nullptr) {
    throw Error(ErrorCode::kUsage, fmt::format("--method {}: {}or onnx:FILE", text, names));
  }
  if (asked.name.empty()) asked.name = method;
  return asked;
}

// Which passes over the pictures are wanted, each once.
class Runs {
 public:
  explicit Runs(const PictureArguments& arguments) : arguments_(arguments) {}

  // Each file of networks once.
  Network Load(const NetworkArguments& wanted) {
    Network network = LoadNetwork(wanted);
    for (const Network& other : loaded_) {
      const bool has_its_settings = other.sidecar() == network.sidecar();
      if (IsSame(other, network) && has_its_settings && other.tells_quality() == network.tells_quality()) return other;
    }
    WarnIfAssumed(network);
    return loaded_.emplace_back(std::move(network));
  }

  static bool IsSame(const Network& a, const Network& b) {
    return a.content_hash() == b.content_hash() && a.preprocessing() == b.preprocessing();
  }

  // The pass, which is added unless it is there.
  const NetworkPass& Add(const Network& network, Method method, const std::optional<Recipe>& recipe = {},
                         bool mirror = false) {
    const std::filesystem::path path(network.path());
    std::string base =
        fmt::format("{}/{}-{}", arguments_.work, path.stem().string(), network.content_hash().substr(0, 8));
    std::string what{name(method)};
    if (method == Method::kEmbedding) what = mirror ? "mirrored" : "embeddings";
    base += "-" + what;
    if (prunes(method)) base += "-" + recipe.value_or(network.stored_recipe().value_or(Recipe{})).name();
    const std::string output = base + ".csv";
    const auto found = std::ranges::find(passes_, output, &NetworkPass::output);
    if (found != passes_.end()) return *found;
    NetworkPass pass{.network = network, .method = method, .recipe = recipe, .mirror = mirror, .output = output};
    // As in `embed`: the network as it is, unless a guard is named.
    pass.guarded = method != Method::kEmbedding || !arguments_.run.guard.empty();
    // Where the pass gives them, they are kept for whoever asks next.
    if (method == Method::kEmbedding || method == Method::kDrift) pass.embeddings = base + ".npy";
    names_.push_back(fmt::format("{} of {}", what, path.filename().string()));
    return passes_.emplace_back(std::move(pass));
  }

  const std::vector<NetworkPass>& passes() const { return passes_; }
  const std::vector<std::string>& names() const { return names_; }  // of the passes, for people

 private:
  const PictureArguments& arguments_;
  std::vector<Network> loaded_;
  std::vector<NetworkPass> passes_;
  std::vector<std::string> names_;
};

// What to run, and which files answer which question.
void Plan(const PictureArguments& arguments, Runs& runs, Verifying& verifying, std::vector<QualitySource>& qualities) {
  // A sidecar is of one network: the one that assesses. So are a size and the name of an output.
  NetworkArguments others = arguments.model;
  others.sidecar.clear();
  others.size.clear();
  others.output.clear();
  std::vector<Network> networks;
  for (const std::string& text : arguments.networks) {
    const bool assesses = networks.empty() && arguments.model.model.empty();
    networks.push_back(runs.Load(WithPreset(text, assesses ? arguments.model : others)));
  }
  std::vector<Asked> methods;
  const bool usual = arguments.methods.empty() && qualities.empty();
  for (const std::string& text : usual ? kUsualMethods : arguments.methods) methods.push_back(ParseMethod(text));

  const auto of_norm = [](const Asked& m) {
    return m.known != nullptr && (m.known->name == "norm" || m.known->name == "pruned-norm");
  };
  const std::optional<Recipe> recipe = MakeRecipe(arguments.recipe);
  const auto prunes_any = [](const Asked& m) { return m.known != nullptr && m.known->run && prunes(*m.known->run); };
  if (!std::ranges::any_of(methods, prunes_any) && (recipe || arguments.recipe.file == kAutoRecipe)) {
    throw Error(ErrorCode::kUsage, "none of the methods prunes anything: leave the recipe out");
  }
  std::optional<Network> model;  // that assesses
  if (std::ranges::any_of(methods, [](const Asked& m) { return m.known != nullptr; })) {
    model = !arguments.model.model.empty() || networks.empty() ? runs.Load(arguments.model) : networks[0];
    CheckAutoRecipe(arguments.recipe, *model);
  }
  if (!arguments.model.sidecar.empty() && !model && (networks.empty() || !arguments.model.model.empty())) {
    throw Error(ErrorCode::kUsage, "--sidecar is of the network that assesses, and no method needs one: leave it out");
  }
  if (std::ranges::any_of(methods, of_norm) && model->has_constant_norm()) {
    const std::string why = fmt::format(
        "the output of {} has the same length for all pictures, as of a network that normalises its embedding",
        model->path());
    if (!usual) throw Error(ErrorCode::kUsage, fmt::format("--method norm and pruned-norm say nothing: {}", why));
    Say(fmt::format("prefiqs: norm and pruned-norm are left out: {}\n", why));
    std::erase_if(methods, of_norm);
  }
  const bool both =
      std::ranges::any_of(methods, [](const Asked& m) { return m.known != nullptr && m.known->run == Method::kDrift; });
  // The whole network's pass, which the drift's includes.
  const auto pass_of = [&](const Network& network) -> const NetworkPass& {
    if (both && Runs::IsSame(network, *model)) return runs.Add(*model, Method::kDrift, recipe);  // by its sidecar
    return runs.Add(network, Method::kEmbedding);
  };
  std::vector<QualitySource> sources;
  for (const Asked& asked : methods) {
    std::string rows, column = "quality";
    if (asked.known == nullptr) {
      NetworkArguments network = WithPreset(asked.file, others);
      network.tells_quality = true;
      rows = runs.Add(runs.Load(network), Method::kOutput).output;
    } else {
      if (asked.known->name == "confidence" && arguments.run.aligned) {
        throw Error(ErrorCode::kUsage, "--method confidence is a detector's, which --aligned leaves out");
      }
      column = asked.known->column;
      rows = asked.known->run
                 ? runs.Add(*model, *asked.known->run, prunes(*asked.known->run) ? recipe : std::nullopt).output
                 : pass_of(*model).output;
    }
    sources.push_back({.name = asked.name, .path = rows, .column = column});
  }
  qualities.insert(qualities.begin(), sources.begin(), sources.end());
  for (std::size_t i = 0; i < qualities.size(); ++i) {
    const auto later = qualities.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (std::ranges::find(later, qualities.end(), qualities[i].name, &QualitySource::name) != qualities.end()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("two methods are named {}: --method NAME=METHOD names them", qualities[i].name));
    }
  }
  for (const Network& network : networks) {
    const NetworkPass& pass = pass_of(network);
    verifying.rows.push_back(pass.output);
    verifying.embeddings.push_back(pass.embeddings);
    if (!arguments.no_mirror) {
      verifying.mirrored.push_back(runs.Add(network, Method::kEmbedding, {}, true).embeddings);
    }
  }
}

// A folder is for one set of pictures, whatever is asked about them.
void OpenFolder(const std::string& folder, const std::vector<std::string>& inputs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kIo, fmt::format("--work {}: {}", folder, error.message()));
  std::string wanted;
  for (const std::string& input : inputs) wanted += input + "\n";
  const std::string path = folder + "/pictures.txt";
  if (std::ifstream file(path, std::ios::binary); file) {
    const std::string there{std::istreambuf_iterator<char>(file), {}};
    if (there == wanted) return;
    throw Error(ErrorCode::kUsage, fmt::format("--work {}: holds rows of other pictures, those of {}; a folder is for "
                                               "one set of pictures: name another, or remove it",
                                               folder, path));
  }
  std::ofstream file(path, std::ios::binary);
  file << wanted << std::flush;
  if (!file) throw Error(ErrorCode::kIo, fmt::format("{}: cannot write it", path));
}

// What is ahead, before the first picture.
void SayPlan(const PassesPlan& plan, const std::vector<std::string>& names, const std::string& folder) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    Say(fmt::format("prefiqs: {} of {}: {}: {}\n", i + 1, names.size(), names[i],
                    plan.to_do[i] == 0
                        ? "there already"
                        : fmt::format("{} of {} to do", plan.to_do[i], Count(plan.pictures, "picture"))));
  }
  if (plan.to_look_at == 0) return;
  Say(fmt::format("prefiqs: {} looked at, once for all tables\n",
                  Count(plan.to_look_at, "picture is", "pictures are")));
  if (plan.kept > 0) {
    Say(fmt::format("prefiqs: the crops of {} of them are in {} already\n", plan.kept, folder));
  }
  const std::int64_t new_crops = plan.to_look_at - plan.kept;
  if (plan.crop_bytes == 0 || new_crops == 0) return;
  constexpr double kKilobyte = 1e3, kGigabyte = 1e9;
  const auto bytes = static_cast<double>(plan.crop_bytes);
  Say(fmt::format("prefiqs: crops: about {:.0f} kB a picture, {:.2g} GB for {}, in {}\n", bytes / kKilobyte,
                  bytes * static_cast<double>(new_crops) / kGigabyte, Count(new_crops, "picture"), folder));
}

// What became of the looks, where there were any.
void SayLooks(const PassesSummary& summary, double seconds) {
  double networks = 0;
  for (const double one : summary.pass_seconds) networks += one;
  if (summary.read + summary.crops_used == 0) return;
  Say(fmt::format(
      "prefiqs: {} read once in {:.1f} s; processor time: {:.1f} s for finding and aligning faces, {:.1f} s "
      "in networks\n",
      Count(summary.read, "picture was", "pictures were"), seconds, summary.look_seconds, networks));
  if (summary.crops_used > 0) {
    Say(fmt::format("prefiqs: {} used\n", Count(summary.crops_used, "kept crop was", "kept crops were")));
  }
  if (summary.crops_changed > 0) {
    Say(fmt::format("prefiqs: {} not used: the picture's file is another one since; it was looked at anew\n",
                    Count(summary.crops_changed, "kept crop was", "kept crops were")));
  }
  if (summary.crops_damaged > 0) {
    Say(fmt::format("prefiqs: {} damaged; the picture was looked at anew\n",
                    Count(summary.crops_damaged, "kept crop is", "kept crops are")));
  }
}

}  // namespace

void AddPictureOptions(CLI::App& app, PictureArguments& arguments) {
  const char* const group = "Networks, which are run over the pictures";
  app.add_option("--network", arguments.networks,
                 "A verifying network, an ONNX file, in place of --rows and --embeddings; any number of times. Its "
                 "preprocessing: of that name, else --preset and the like, else as stored with it")
      ->type_name("FILE[:PRESET]")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--method", arguments.methods,
                 "A quality that is computed: drift, pruned-norm, norm, jvp, stochastic, confidence, sharpness, "
                 "uniformity, or onnx:FILE[:PRESET]; any number of times [with --network and without --quality: drift, "
                 "norm and pruned-norm]")
      ->type_name("[NAME=]METHOD")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--model", arguments.model.model,
                 "The network that assesses, an ONNX file [the first --network, else the one that comes with prefiqs]")
      ->type_name("FILE|default")
      ->group(group);
  app.add_option("--work", arguments.work, "Keeps rows and embeddings, and goes on from them")
      ->type_name("DIR")
      ->group(group);
  AddLockOption(app, arguments.run.job, group);
  app.add_flag(
         "--keep-crops", arguments.keep_crops,
         "Keeps the aligned crops in that folder, too, about 38 kB a picture for 112x112 pixels: a later run with "
         "other networks or methods goes on from them, and does not read the pictures again")
      ->group(group);
  app.add_flag("--no-mirror", arguments.no_mirror,
               "Protocol A without the mirrored pictures' embeddings: a table less for each network")
      ->group(group);
  AddPreprocessingOptions(app, arguments.model);
  AddRecipeOptions(app, arguments.recipe, "--recipe-seed");
  AddFaceOptions(app, arguments.run);
}

bool RunPictures(const PictureArguments& arguments, const std::function<void()>& check, Verifying& verifying,
                 std::vector<QualitySource>& qualities) {
  const std::vector<std::string>& inputs = arguments.run.job.inputs;
  if (arguments.work.empty()) {
    throw Error(ErrorCode::kUsage, "--network and --method need --work DIR, a folder that keeps what they say");
  }
  if (std::ranges::find(inputs, "-") != inputs.end()) {
    throw Error(ErrorCode::kUsage, "the list of pictures is read more than once: give it as @FILE");
  }
  RefuseAllFaces(arguments.run);
  if (!arguments.networks.empty() && !verifying.rows.empty() && arguments.no_mirror != verifying.mirrored.empty()) {
    throw Error(ErrorCode::kUsage,
                arguments.no_mirror
                    ? "--mirrored goes with --network without --no-mirror: protocol A for all alike"
                    : "--rows without --mirrored go with --network --no-mirror: protocol A for all alike");
  }
  JobOptions job = MakeJob(arguments.run);
  Runs runs(arguments);
  Plan(arguments, runs, verifying, qualities);
  check();
  OpenFolder(arguments.work, inputs);
  const InterruptGuard interrupts;
  ProgressLine line;
  double seconds = 0;
  PassesOptions options;
  options.job = std::move(job);
  options.job.inputs = inputs;
  options.passes = runs.passes();
  options.crops = arguments.work;
  options.keep_crops = arguments.keep_crops;
  options.on_plan = [&](const PassesPlan& plan) { SayPlan(plan, runs.names(), arguments.work); };
  ShowProgress(options.job, line, [&](const JobProgress& progress) { seconds = progress.seconds; });
  const PassesSummary summary = run_passes(options);
  line.Clear();
  SayLooks(summary, seconds);
  return !summary.interrupted;
}

}  // namespace prefiqs::cli
