/**
 * The types that the modules share. Nothing here runs.
 *
 * @typedef {Object} Latent  one coordinate of z
 * @property {number} index  its position in z
 * @property {number} layer  0 is the top layer
 * @property {number} kl  nats
 * @property {boolean} active  whether its posterior mean varies between images
 * @property {number} mean  of its posterior means over the data
 * @property {number} std  of its posterior means over the data
 *
 * @typedef {Object} Condition  what a model is conditioned on
 * @property {"label"|"attributes"} variable
 * @property {string[]} parts  "prior", "encoder", "decoder"
 * @property {string[]} names  of the classes or of the attributes
 * @property {number[]} probabilities  of the labels in the training data
 * @property {number[]} low  of each attribute
 * @property {number[]} high
 * @property {number[]} mode  the most probable label, as a vector
 *
 * @typedef {Object} Projection  from the latent space to the plane
 * @property {"latents"|"pca"|"umap"|"tsne"} kind
 * @property {string[]} axes
 * @property {string[]} kinds  all that the model can have
 * @property {Object<string, string>} missing  kinds that need a package, and how to install it
 * @property {boolean} spatial  whether there are maps in space
 * @property {number[]|null} explained_variance_ratio
 *
 * @typedef {Object} ModelInfo  the description of one model, by /api/models
 * @property {string} title
 * @property {string} name
 * @property {number[]} shape  of a data point: C, H, W of images
 * @property {string} noun  what data points are: rows, vectors, signals, images or volumes
 * @property {string[]|null} columns  the names of the first columns of a table
 * @property {boolean} drawable  whether an image can be drawn or uploaded
 * @property {[number, number]} tile_size  width and height in pixels of one image in an image file
 * @property {number[]} layer_dims  latents per layer, top first
 * @property {Latent[]} latents
 * @property {string[]|null} classes  names of the labels of the data
 * @property {Condition|null} condition
 * @property {string} likelihood
 * @property {string} observation
 * @property {string} prior
 * @property {boolean} is_bound  whether the model has an ELBO; an autoencoder has none
 * @property {number} pseudo_inputs  their number
 * @property {string} data
 * @property {string} split
 * @property {number} images  their number
 * @property {Projection} projection
 * @property {string} path  of the model on disk
 * @property {string} python  an expression that loads the model
 *
 * @typedef {Object} Points  the posterior means of the data on the plane
 * @property {number} n
 * @property {string} kind
 * @property {2|3} dims
 * @property {{kind: string, dims: number, seconds: number, latents: number}|null} waiting  a map that is still computed
 * @property {number|null} fitted  how many points were embedded; the others lie among them
 * @property {string[]} axes
 * @property {number[]|null} explained_variance_ratio
 * @property {{axes: number[][], origin: number[]}|null} linear  p = axes (z - origin); see latent_navigation.js
 * @property {Float32Array} x
 * @property {Float32Array} y
 * @property {Float32Array|null} depth  of a map in space, towards the reader
 * @property {Int16Array|null} label
 * @property {Float32Array|null} reconstruction  log p(x | z), nats
 * @property {Float32Array|null} kl  nats
 * @property {Float32Array|null} log_likelihood  nats; null until it is estimated
 * @property {Float32Array|null} error  of the reconstruction; null until it is measured
 * @property {Object<string, Float32Array>} attributes  further numbers by name
 * @property {[number, number, number, number]} bounds  x0, x1, y0, y1
 *
 * @typedef {Object} Ellipse  one standard deviation of a posterior on the plane
 * @property {number} x
 * @property {number} y
 * @property {number} a
 * @property {number} b
 * @property {number} angle  radians
 *
 * @typedef {Object} Imputations  what `impute` of both back ends answers
 * @property {ImageBitmap|HTMLCanvasElement} picture  several images side by side
 * @property {number} ess  effective sample size of the posterior samples
 * @property {number} samples  their number
 *
 * @typedef {Object} Camera  the visible part of the plane
 * @property {number} x
 * @property {number} y
 * @property {number} span  units across the shorter side
 *
 * @typedef {number|number[]|null} Label  a class, a vector of attributes, or none
 * @typedef {{index: number}|{z: number[][]}} End  an end of an interpolation: an image, or a latent vector per model
 *
 * @typedef {Object} State  all that a link reproduces; see state.js
 * @property {number|null} tour  the step of the tour, from 1; see tour/tour.js
 * @property {number[]} show  the models that are shown; none means all
 * @property {"map"|"figure"|"tool"|null} embed  the part that a page of one's own frames; see css/embed.css
 * @property {string} tool
 * @property {string} kind
 * @property {2|3} dims
 * @property {[number, number]} turn  of a map in space; see map/space.js
 * @property {"plane"|"neighbors"} between  how a point of the map is decoded
 * @property {boolean} thumbnails
 * @property {Object<string, [number, number]>} filters  ranges of numbers
 * @property {string} query  a search
 * @property {{m: number, corners: number[][], turn: [number, number]|null}|null} region  of a map
 * @property {string} color
 * @property {number[]} hidden
 * @property {number|null} point
 * @property {number[][]} z  a latent vector per model
 * @property {Label} label
 * @property {boolean} density
 * @property {boolean} backdrop
 * @property {boolean} ellipse
 * @property {(Camera|null)[]} camera
 * @property {End|null} a
 * @property {End|null} b
 * @property {"linear"|"spherical"} path
 * @property {number} steps
 * @property {number} t
 * @property {number} temperature
 * @property {number} seed
 * @property {string} drawing  the gray levels of the drawing; see tools/drawing/run_length.js
 * @property {string} mask  which of its pixels are observed
 *
 * @typedef {Object} Place  the point of a map under the pointer
 * @property {number} m
 * @property {number} x
 * @property {number} y
 * @property {number} i  the image there, or -1
 * @property {number} px  pixels from the left of the map
 * @property {number} py  and from its top
 * @property {number} time  of the event, milliseconds
 *
 * @typedef {Object} Model  a model in the page
 * @property {number} m  its index
 * @property {ModelInfo} info
 * @property {string} name  short, and different from that of the other model
 * @property {Points|null} points
 * @property {{x: Float32Array, y: Float32Array, depth: Float32Array, middle: number[]}|null} space  the points of a map in space, not turned
 * @property {import("./map/grid.js").Grid|null} grid
 *
 * @typedef {Object} Scene  transient values that no link reproduces; lists hold a value per model
 * @property {Place|null} place
 * @property {"a"|"b"|null} picking  the end that the next point of the map becomes
 * @property {(number[][]|null)[]} paths  the points of an interpolation
 * @property {(Ellipse|null)[]} ellipses  posteriors of the selected image
 * @property {({xy: number[], ellipse: Ellipse|null}|null)[]} encoded  the posterior of the drawing
 * @property {(string|null)[]} observed  the drawing as the model sees it, run-length encoded
 * @property {(string|null)[]} masks  which of its pixels are observed, run-length encoded; null if all are
 * @property {(number|null)[]} imputed  the seed of its imputations
 * @property {(number|null)[]} gallery  the first pseudo-input that is shown
 * @property {({row: ImageBitmap, k: number, n: number, z: number[], t: number}|null)[]} frames  the current image of an interpolation
 * @property {(boolean|null)[]} dimmed  whether the map is dark under its backdrop
 * @property {"lasso"|"rectangle"|null} drawing  what a drag on the map draws
 * @property {({z: number[], index: number[], distance: number[], xy: number[]}|null)[]} near  the nearest images of the decoded latent vector
 * @property {({kind: string, dims: number, seconds: number, latents: number}|null)[]} waiting  maps that are still computed
 * @property {number} chosen  how often the choice changed; see selection/chosen.js
 * @property {boolean} playing  whether the interpolation plays
 * @property {number} loaded  how often points were loaded
 * @property {number} valued  how often their values were loaded
 *
 * @typedef {Object} App  what every part of the page receives
 * @property {import("./backend/contract.js").Backend} backend
 * @property {import("./selection/chosen.js").Chosen} chosen
 * @property {import("./store.js").Store} store  of State
 * @property {import("./store.js").Store} scene  of Scene
 * @property {Model[]} models
 * @property {(name: "a"|"b", place: Place) => void} pick  set an end of the interpolation to a point of a map
 * @property {(name: "a"|"b") => void} setEnd  set an end to the current image or latent vector
 * @property {() => {x: number, y: number, side: number, n: number}[]} squares  the squares of the backdrops
 * @property {(message: string) => void} announce  to screen readers
 * @property {(message: string) => void} announceLater
 * @property {(error: unknown) => void} showError
 */
export {};
