/**
 * What the modules hand to one another. Only types: nothing here runs.
 *
 * @typedef {Object} Latent  one coordinate of z
 * @property {number} index  its place in z
 * @property {number} level  0 is the top level
 * @property {number} kl  nats
 * @property {boolean} active  whether the model uses it
 * @property {number} mean  of its codes over the data
 * @property {number} sd  of its codes over the data
 *
 * @typedef {Object} Condition  what a conditional model is given
 * @property {"label"|"attributes"} on
 * @property {string[]} into  "prior", "encoder", "decoder"
 * @property {string[]} values  names of the classes or of the attributes
 * @property {number[]} probabilities  of what the model was told in training
 * @property {number[]} low  of each attribute
 * @property {number[]} high
 * @property {number[]} start  the likeliest of all
 *
 * @typedef {Object} Projection  how codes come to a plane
 * @property {"codes"|"pca"|"umap"} kind
 * @property {[string, string]} axes
 * @property {string[]} kinds  all that the model can have
 * @property {number[]|null} explained  shares of the variance
 *
 * @typedef {Object} ModelInfo  what /api/models says of one model
 * @property {string} title
 * @property {string} name
 * @property {[number, number, number]} shape  C, H, W
 * @property {[number, number]} tile  width and height in pixels of one image in a picture
 * @property {number[]} levels  latents a level, top first
 * @property {Latent[]} latents
 * @property {string[]|null} classes  names of the labels of the data
 * @property {Condition|null} condition
 * @property {string} likelihood
 * @property {string} observation
 * @property {string} prior
 * @property {boolean} is_bound  whether the model has a rate; an autoencoder has none
 * @property {number} pseudo_inputs
 * @property {string} data
 * @property {string} split
 * @property {number} images
 * @property {Projection} projection
 * @property {string} place  where the model was read from
 * @property {string} python  an expression that loads the model
 *
 * @typedef {Object} Points  the codes of the data on the plane
 * @property {number} n
 * @property {[string, string]} axes
 * @property {number[]|null} explained  shares of the variance
 * @property {{axes: number[][], origin: number[]}|null} linear  p = axes (z - origin); see walk.js
 * @property {Float32Array} x
 * @property {Float32Array} y
 * @property {Int16Array|null} label
 * @property {Float32Array|null} reconstruction  log p(x | z), nats
 * @property {Float32Array|null} rate  nats
 * @property {Float32Array|null} log_likelihood  nats; null until it is known
 * @property {[number, number, number, number]} bounds  x0, x1, y0, y1
 *
 * @typedef {Object} Ellipse  one standard deviation of a posterior on the plane
 * @property {number} x
 * @property {number} y
 * @property {number} a
 * @property {number} b
 * @property {number} angle  radians
 *
 * @typedef {Object} Camera  what part of the plane is seen
 * @property {number} x
 * @property {number} y
 * @property {number} span  units across the shorter side
 *
 * @typedef {number|number[]|null} Label  a class, a vector of attributes, or none
 * @typedef {{i: number}|{z: number[][]}} End  an end of an interpolation: an image, or a code a model
 *
 * @typedef {Object} State  all that a link reproduces; see state.js
 * @property {string} tool
 * @property {string} kind
 * @property {string} color
 * @property {number[]} hidden
 * @property {number|null} point
 * @property {number[][]} z  a code a model
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
 * @property {string} drawn  the levels of a drawn image; see tools/runs.js
 * @property {string} wiped  which of its pixels are seen
 *
 * @typedef {Object} Place  where the pointer is
 * @property {number} m
 * @property {number} x
 * @property {number} y
 * @property {number} i  the image there, or -1
 * @property {number} time  when it came there, milliseconds
 *
 * @typedef {Object} Model  a model as the page holds it
 * @property {number} m
 * @property {ModelInfo} info
 * @property {string} name  short, and another one than that of the model beside it
 * @property {Points|null} points
 * @property {import("./map/grid.js").Grid|null} grid
 *
 * @typedef {Object} Scene  what is seen for the moment, and no link reproduces; lists hold a value a model
 * @property {Place|null} place
 * @property {"a"|"b"|null} picking  the end that the next place on the map becomes
 * @property {(number[][]|null)[]} ways  the places of an interpolation
 * @property {(Ellipse|null)[]} ellipses  posteriors of the chosen image
 * @property {({xy: number[], ellipse: Ellipse|null}|null)[]} sketched  of the drawn image
 * @property {(string|null)[]} seenAs  the drawn image as the model sees it
 * @property {({row: ImageBitmap, k: number, n: number, z: number[], t: number}|null)[]} films  where an interpolation is
 * @property {number} loaded  how often points came
 * @property {number} valued  how often their values came
 *
 * @typedef {Object} App  what every part of the page is given
 * @property {Object} backend  see backend/server.js
 * @property {import("./store.js").Store} store  of State
 * @property {import("./store.js").Store} scene  of Scene
 * @property {Model[]} models
 * @property {(name: "a"|"b", place: Place) => void} pick  let a place be an end of the interpolation
 * @property {(name: "a"|"b") => void} setEnd  let what is looked at be one
 * @property {(message: string) => void} say  to screen readers
 * @property {(message: string) => void} sayLater
 * @property {(error: unknown) => void} fail
 */
export {};
