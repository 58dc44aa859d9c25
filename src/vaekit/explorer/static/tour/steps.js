/**
 * The guided tour of the models that come with the package: saved addresses of the page, with a title and a sentence
 * each. Model 0 is a VAE, 1 an autoencoder, 2 a beta-VAE, of one network.
 *
 * @typedef {{title: string, text: string, address: string, play?: boolean}} Step
 */

const NAMES = ["tour-vae", "tour-ae", "tour-beta-vae"];

/** Whether these models are those of the tour. @param {import("../types.js").ModelInfo[]} infos */
export const isTour = (infos) => infos.map(({ name }) => name).join() === NAMES.join();

/** @type {Step[]} */
export const STEPS = [
  {
    title: "A map of digits",
    text: "Each point is one handwritten digit. The encoder has turned its 784 pixels into two numbers, its latents, and digits that look alike lie close together.",
    address: "show=0&point=61",
  },
  {
    title: "This is a latent",
    text: "Move the pointer: the decoder turns any two numbers back into a picture, also between the points, where no digit ever was.",
    address: "show=0&z=0.4,0.6;0,0;0,0&camera=0.3,0.3,1.6;;",
  },
  {
    title: "From 4 to 9",
    text: "The straight line from a 4 to a 9, decoded step by step. No picture on the way was ever drawn by a hand.",
    address: "show=0&tool=interpolate&a=i1081&b=i1756&camera=0,0.7,3.2;;",
    play: true,
  },
  {
    title: "The encoder is not sure",
    text: "The ellipse is the posterior q(z | x): one standard deviation of the latents that may have made this digit. Select others: far from the middle, or where a digit is unclear, the ellipse is larger.",
    address: "show=0&point=1310&camera=-1.8,-2.6,2;;",
  },
  {
    title: "How a VAE computes",
    text: "From pixels to μ and σ, with noise ε to z, and back to pixels. Draw ε again, and watch the terms of the bound move.",
    address: "show=0&tool=computation&point=61",
  },
  {
    title: "Wipe half a digit",
    text: "The upper half of this digit is hidden. The model fills it in, several times, as its posterior allows. Mask or draw more, and the terms of the bound follow.",
    address: "show=0&tool=draw&drawing=ALX_BAAX_wYAFf8DAAL_AgAU_wIABP8DABL_AwAF_wIAEv8CAAX_AwAS_wIABP8EABL_AwAB_wUAFP8IABj_AwAZ_wMAGf8CABn_AwAa_wIAGf8DABn_AwAZ_wIAGv8CABn_AwAZ_wIARg&mask=AP8Abf___6U",
  },
  {
    title: "Digits from nothing",
    text: "A random z from the prior, decoded, is a new digit. Press “Sample from prior” again; a lower temperature stays near the middle.",
    address: "show=0&tool=sliders&seed=4&z=1.72,0.55;0,0;0,0",
  },
  {
    title: "What β does",
    text: "One network, trained three times: as a VAE, without a prior (an autoencoder), and with eight times the weight on KL. Hover a digit: each model shows its picture and the terms of its bound.",
    address: "show=0,1,2&point=61&backdrop=0",
  },
];
